import { randomUUID } from 'node:crypto'
import type { EventType } from '@clientele/contracts/event'
import { SpanKind } from '@opentelemetry/api'
import type { ConsumeMessage } from 'amqplib'
import { withContext } from '../../runtime/context.ts'
import type { Log } from '../../runtime/log.ts'
import { counter, isTraceparent, withSpan } from '../../runtime/telemetry.ts'
import { sleep, withTimeout } from '../../runtime/timeout.ts'
import { type Broker, exchange } from '../broker.ts'
import { createEnvelopeParser } from '../envelope.ts'
import { refuseSender } from '../sender.ts'
import { declareEventExchange } from './queue-topology.ts'
import type { RunningConsumer } from './running-consumer.ts'

type Options = {
  name: string
  events: readonly EventType[]
  handle(event: unknown): Promise<unknown> | unknown
  onConnected(): Promise<unknown> | unknown
  broker: Broker
  log: Log
}

const handlerTimeoutMs = 30_000
const maxDelayMs = 30_000

/** Consumes an exclusive queue of this process, one event at a time, until stopped. */
export const runSubscription = ({
  name,
  events,
  handle,
  onConnected,
  broker,
  log: parent,
}: Options): RunningConsumer => {
  const log = parent.child({ queue: name })
  const parse = createEnvelopeParser(events)
  const consumed = counter('consumer_events_total', 'Events taken from a queue', ['queue', 'outcome'])
  consumed.inc({ queue: name, outcome: 'refused' }, 0)
  const stopping = new AbortController()
  let connection = new AbortController()
  let handling: Promise<void> = Promise.resolve()

  const subscriptionChannel = broker.channel(name, async (channel, declare) => {
    const queue = `${name}.${randomUUID()}`
    await declareEventExchange(declare)
    await channel.assertQueue(queue, {
      exclusive: true,
      autoDelete: true,
      durable: false,
      arguments: { 'x-queue-type': 'classic' },
    })
    for (const { type } of events) await channel.bindQueue(queue, exchange, type)
    await channel.prefetch(200)
    await channel.consume(queue, (message) => {
      if (message === null) return void channel.close().catch(() => {})
      handling = handling
        .then(() => handleMessage(message))
        .then(() => channel.ack(message))
        .catch(() => {})
    })
    connection.abort()
    connection = new AbortController()
    void catchUp(AbortSignal.any([connection.signal, stopping.signal]))
  })

  const handleMessage = async (message: ConsumeMessage): Promise<void> => {
    const parsed = parse(message.content)
    if (!('event' in parsed)) return log.warn({ reason: parsed.error }, 'unreadable message skipped')
    const { event } = parsed
    const refusal = refuseSender(message, event, name)
    if (refusal !== undefined) {
      consumed.inc({ queue: name, outcome: 'refused' })
      return log.error(
        { eventId: event.id, eventType: event.type, reason: refusal },
        'event of a foreign sender skipped',
      )
    }
    const header: unknown = message.properties.headers?.['traceparent']
    const context = {
      log: log.child({ eventId: event.id, eventType: event.type }),
      requestId: event.id,
      traceparent: isTraceparent(header) ? header : undefined,
    }
    const { traceparent } = context
    const run = () =>
      withSpan(`${name} ${event.type}`, { traceparent, kind: SpanKind.CONSUMER }, async () => handle(event))
    await withContext(context, () => withTimeout(handlerTimeoutMs, `handler of ${name} timed out`, run())).catch(
      (error) => context.log.error({ err: error }, 'event failed'),
    )
  }

  /** Calls `onConnected` until it succeeds or `signal` aborts. */
  const catchUp = async (signal: AbortSignal): Promise<void> => {
    for (let delay = 250; !signal.aborted; delay = Math.min(delay * 2, maxDelayMs)) {
      try {
        await onConnected()
        return
      } catch (error) {
        log.warn({ err: error, delay }, 'catching up failed, retrying')
        await sleep(delay, signal)
      }
    }
  }

  return {
    ready: async (timeoutMs) => void (await subscriptionChannel.ready(timeoutMs)),
    stop: async (timeoutMs = 10_000) => {
      stopping.abort()
      await withTimeout(timeoutMs, 'a handler still runs', handling).catch(() => {})
      await subscriptionChannel.close()
    },
  }
}
