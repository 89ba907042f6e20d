import { randomUUID } from 'node:crypto'
import type { EventType } from '@clientele/contracts/event'
import { SpanKind } from '@opentelemetry/api'
import type { ConsumeMessage } from 'amqplib'
import { withContext } from '../../runtime/context.ts'
import type { Log } from '../../runtime/log.ts'
import { isTraceparent, span } from '../../runtime/telemetry.ts'
import { sleep, withTimeout } from '../../runtime/timeout.ts'
import { type Broker, exchange } from '../broker.ts'
import { envelopeReader } from '../envelope.ts'
import type { Running } from './running.ts'

type Options = {
  name: string
  events: readonly EventType[]
  handle(event: unknown): Promise<unknown> | unknown
  onConnected(): Promise<unknown> | unknown
  broker: Broker
  log: Log
}

const handlerTimeoutMs = 30_000
const longestPauseMs = 30_000

/** Consumes from a queue of this process's own, one event after the other, until stopped. */
export const runSubscription = ({ name, events, handle, onConnected, broker, log: parent }: Options): Running => {
  const log = parent.child({ queue: name })
  const read = envelopeReader(events)
  const ending = new AbortController()
  let connection = new AbortController()
  let last: Promise<void> = Promise.resolve()

  const kept = broker.channel(name, async (channel) => {
    const queue = `${name}.${randomUUID()}`
    await channel.assertExchange(exchange, 'topic', { durable: true })
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
      last = last
        .then(() => work(message))
        .then(() => channel.ack(message))
        .catch(() => {})
    })
    connection.abort()
    connection = new AbortController()
    void catchUp(AbortSignal.any([connection.signal, ending.signal]))
  })

  const work = async (message: ConsumeMessage): Promise<void> => {
    const parsed = read(message.content)
    if (!('event' in parsed)) return log.warn({ fault: parsed.fault }, 'event skipped')
    const { event } = parsed
    const header: unknown = message.properties.headers?.['traceparent']
    const context = {
      log: log.child({ eventId: event.id, eventType: event.type }),
      requestId: event.id,
      traceparent: isTraceparent(header) ? header : undefined,
    }
    const { traceparent } = context
    const run = () => span(`${name} ${event.type}`, { traceparent, kind: SpanKind.CONSUMER }, async () => handle(event))
    await withContext(context, () => withTimeout(handlerTimeoutMs, 'handler took too long', run())).catch((error) =>
      context.log.error({ err: error }, 'event failed'),
    )
  }

  const catchUp = async (signal: AbortSignal): Promise<void> => {
    for (let delay = 250; !signal.aborted; delay = Math.min(delay * 2, longestPauseMs)) {
      try {
        await onConnected()
        return
      } catch (error) {
        log.warn({ err: error, delay }, 'what was missed could not be read, trying again')
        await sleep(delay, signal)
      }
    }
  }

  return {
    ready: async (timeoutMs) => void (await kept.ready(timeoutMs)),
    stop: async (deadlineMs = 10_000) => {
      ending.abort()
      await withTimeout(deadlineMs, 'a handler still runs', last).catch(() => {})
      await kept.close()
    },
  }
}
