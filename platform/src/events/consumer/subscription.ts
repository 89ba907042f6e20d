import type { EventType } from '@clientele/contracts/event'
import type { Consumer, EventOf } from './consumer.ts'
import { runSubscription } from './run-subscription.ts'

/** Declares a subscription: every process gets every event from when it is connected, none from before, and none again. */
export const subscription = <E extends EventType>(options: {
  /** `<service>.<purpose>`; each process adds something of its own. */
  name: string
  events: readonly E[]
  handle(event: EventOf<E>): Promise<unknown> | unknown
  /** Called whenever events begin to arrive: read here what was missed. Repeated until it succeeds. */
  onConnected?(): Promise<unknown> | unknown
}): Consumer => ({
  queue: options.name,
  events: options.events,
  start: ({ broker, log }) => {
    const { name, events, handle, onConnected = () => {} } = options
    return runSubscription({ name, events, handle: (event) => handle(event as EventOf<E>), onConnected, broker, log })
  },
})
