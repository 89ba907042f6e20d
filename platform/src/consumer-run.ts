import type { EventType } from '@clientele/contracts/event'
import { SpanKind } from '@opentelemetry/api'
import type { ConfirmChannel, ConsumeMessage } from 'amqplib'
import type { Broker } from './broker.ts'
import type { Running } from './consumer.ts'
import { declareQueues } from './consumer-queues.ts'
import { crashLooped, handOn, numberHeader } from './consumer-retry.ts'
import { withContext } from './context.ts'
import type { Db, Tx } from './db.ts'
import { within } from './deadline.ts'
import { type Envelope, envelopeReader } from './envelope.ts'
import { isDatabaseAway, shortFault } from './fault.ts'
import { firstTime } from './inbox.ts'
import { createLanes, type Gate } from './lanes.ts'
import type { Log } from './log.ts'
import { counter, histogram, isTraceparent, span } from './telemetry.ts'

type Options = {
  queue: string
  events: readonly EventType[]
  prefetch: number
  delays: readonly number[]
  timeoutMs: number
  handle(event: unknown, tx: Tx): Promise<unknown> | unknown
  broker: Broker
  log: Log
  db: Db
  gate: Gate
}

/** Consumes a durable queue until stopped. */
export const runQueue = (options: Options): Running => {
  const { queue, events, prefetch, delays, timeoutMs, handle, broker, db, gate } = options
  const log = options.log.child({ queue })
  const consumed = counter('consumer_events_total', 'Events taken from a queue', ['queue', 'outcome'])
  const seconds = histogram('consumer_seconds', 'Time a handler took', ['queue'])
  const read = envelopeReader(events)
  const lanes = createLanes()
  let consumerTag: string | undefined
  let stopping = false

  const kept = broker.channel(queue, async (channel) => {
    await declareQueues(channel, { queue, types: events.map(({ type }) => type), delays })
    await channel.prefetch(prefetch)
    const { consumerTag: tag } = await channel.consume(queue, (message) => onMessage(channel, message))
    consumerTag = tag
  })

  const onMessage = (channel: ConfirmChannel, message: ConsumeMessage | null): void => {
    if (message === null) {
      log.warn('the queue was deleted or moved; declaring it again')
      void channel.close().catch(() => {})
      return
    }
    const parsed = read(message.content)
    const lane = 'event' in parsed ? parsed.event.subject : ''
    lanes.run(lane, async () => {
      if (stopping) return
      try {
        const outcome = await work(channel, message, parsed)
        channel.ack(message)
        consumed.inc({ queue, outcome })
      } catch (error) {
        // The message was not acknowledged: closing the channel has it delivered again, after a pause.
        log.warn({ err: error, eventId: message.properties.messageId }, 'event could not be settled')
        await channel.close().catch(() => {})
      }
    })
  }

  const work = async (
    channel: ConfirmChannel,
    message: ConsumeMessage,
    parsed: ReturnType<typeof read>,
  ): Promise<string> => {
    const dead = async (reason: string, error: string) => {
      log.error(
        { eventId: message.properties.messageId, eventType: message.fields.routingKey, reason, fault: error },
        'dead letter',
      )
      await handOn(channel, message, { queue, reason, error })
      return 'dead'
    }
    if (!('event' in parsed)) return dead('unreadable', parsed.fault)
    if (crashLooped(message)) return dead('delivered too often', 'no handler came to an end')
    const { event } = parsed
    try {
      return (await gate(() => once(event, message))) ? 'handled' : 'duplicate'
    } catch (error) {
      const attempt = numberHeader(message, 'x-attempt')
      // An outage is not the event's fault: it waits without using up an attempt.
      const away = isDatabaseAway(error)
      const delayMs = away ? delays[Math.min(1, delays.length - 1)] : delays[attempt]
      const fault = shortFault(error)
      if (delayMs === undefined) return dead('failed', fault)
      log.warn(
        { err: error, eventId: event.id, eventType: event.type, attempt: attempt + 1, delayMs },
        'event failed, trying again later',
      )
      await handOn(channel, message, { queue, delayMs, attempt: away ? attempt : attempt + 1, error: fault })
      return 'retried'
    }
  }

  const once = async (event: Envelope, message: ConsumeMessage): Promise<boolean> => {
    const header: unknown = message.properties.headers?.['traceparent']
    const traceparent = isTraceparent(header) ? header : undefined
    const context = { log: log.child({ eventId: event.id, eventType: event.type }), requestId: event.id, traceparent }
    const transaction = () =>
      db.transaction(async (tx) => {
        if (!(await firstTime(db, tx, queue, event.id))) return false
        await within(timeoutMs, `handler of ${queue} took too long`, Promise.resolve(handle(event, tx)))
        return true
      })
    const attributes = {
      'messaging.system': 'rabbitmq',
      'messaging.destination.name': queue,
      'messaging.message.id': event.id,
    }
    const end = seconds.startTimer({ queue })
    return withContext(context, () =>
      span(`${queue} ${event.type}`, { attributes, traceparent, kind: SpanKind.CONSUMER }, () =>
        within(timeoutMs + 15_000, `the transaction of ${queue} took too long`, transaction()),
      ),
    ).finally(end)
  }

  return {
    ready: async (readyMs) => void (await kept.ready(readyMs)),
    stop: async (deadlineMs = 10_000) => {
      stopping = true
      const channel = kept.current()
      if (channel && consumerTag)
        await within(2_000, 'no answer to cancel', channel.cancel(consumerTag)).catch(() => {})
      await within(deadlineMs, `handlers of ${queue} still run`, lanes.idle()).catch((error) =>
        log.warn({ err: error }, 'cut short'),
      )
      await kept.close()
    },
  }
}
