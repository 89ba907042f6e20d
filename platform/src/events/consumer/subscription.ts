import type { EventType } from '@clientele/contracts/event'
import type { Consumer, EventOf } from './consumer.ts'
import { runSubscription } from './run-subscription.ts'

/**
 * Declares a subscription: every process gets each event that is published while it is connected. Earlier events are not
 * delivered, and failed ones are not retried.
 */
export const subscription = <E extends EventType>(options: {
  /** `<service>.<purpose>`; each process adds a unique suffix. */
  name: string
  events: readonly E[]
  handle(event: EventOf<E>): Promise<unknown> | unknown
  /** Called on every connect, to load what was missed. Retried until it succeeds. */
  onConnected?(): Promise<unknown> | unknown
}): Consumer => ({
  queue: options.name,
  events: options.events,
  start: ({ broker, log }) => {
    const { name, events, handle, onConnected = () => {} } = options
    return runSubscription({ name, events, handle: (event) => handle(event as EventOf<E>), onConnected, broker, log })
  },
})
