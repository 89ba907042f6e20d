import type { EventType } from '@clientele/contracts/event'
import { SpanKind } from '@opentelemetry/api'
import type { ConfirmChannel, ConsumeMessage } from 'amqplib'
import type { LimitFunction } from 'p-limit'
import { isConnectionError } from '../../data/database-errors.ts'
import type { Db, Tx } from '../../data/db.ts'
import { withContext } from '../../runtime/context.ts'
import { errorSummary } from '../../runtime/error-info.ts'
import type { Log } from '../../runtime/log.ts'
import { counter, histogram, isTraceparent, slowBuckets, span } from '../../runtime/telemetry.ts'
import { withTimeout } from '../../runtime/timeout.ts'
import type { Broker } from '../broker.ts'
import { envelopeReader } from '../envelope.ts'
import { type Acks, createAcks } from './acknowledgements.ts'
import { createBatches, type Delivery } from './handle-batch.ts'
import { createLanes } from './keyed-concurrency.ts'
import { queueDepths } from './queue-metrics.ts'
import { declareQueues } from './queue-topology.ts'
import { crashLooped, handOn, numberHeader } from './retry.ts'
import type { Running } from './running.ts'

type Options = {
  queue: string
  events: readonly EventType[]
  prefetch: number
  delays: readonly number[]
  timeoutMs: number
  concerns(event: unknown): boolean
  handle(event: unknown, tx: Tx): Promise<unknown> | unknown
  broker: Broker
  log: Log
  db: Db
  limit: LimitFunction
}

type Arrival = { channel: ConfirmChannel; acks: Acks; message: ConsumeMessage }

const closeQuietly = async (channel: ConfirmChannel): Promise<void> => {
  try {
    await channel.close()
  } catch {}
}

/** Consumes a durable queue until stopped. */
export const runQueue = (options: Options): Running => {
  const { queue, events, prefetch, delays, timeoutMs, concerns, handle, broker, db, limit } = options
  const log = options.log.child({ queue })
  const consumed = counter('consumer_events_total', 'Events taken from a queue', ['queue', 'outcome'])
  const seconds = histogram('consumer_seconds', 'Time a handler took', ['queue'])
  const lag = histogram(
    'consumer_lag_seconds',
    "From an event's writing to the end of its handling",
    ['queue'],
    slowBuckets,
  )
  for (const outcome of ['handled', 'duplicate', 'retried', 'dead']) consumed.inc({ queue, outcome }, 0)
  const read = envelopeReader(events)
  let consumerTag: string | undefined
  let stopping = false
  let acks: Acks | undefined
  const asides = new Set<Promise<void>>()

  const setup = async (channel: ConfirmChannel) => {
    await declareQueues(channel, { queue, types: events.map(({ type }) => type), delays })
    await channel.prefetch(prefetch)
    const own = createAcks(channel, prefetch)
    acks = own
    const { consumerTag: tag } = await channel.consume(queue, (message) => onMessage(channel, own, message))
    consumerTag = tag
  }
  const kept = broker.channel(queue, setup, { onOpen: () => void depths.measure() })
  const depths = queueDepths({ queue, delays, log, channel: kept.current })
  void depths.start()

  const onMessage = (channel: ConfirmChannel, own: Acks, message: ConsumeMessage | null): void => {
    if (message === null) {
      log.warn('the queue was deleted or moved; declaring it again')
      void closeQuietly(channel)
      return
    }
    if (stopping) return
    const parsed = read(message.content)
    const arrival = { channel, acks: own, message }
    if (!('event' in parsed)) aside(arrival, 'unreadable', parsed.fault)
    else if (crashLooped(message)) aside(arrival, 'delivered too often', 'no handler came to an end')
    else if (!concerns(parsed.event)) void settle(arrival, async () => 'ignored')
    else lanes.add({ ...arrival, event: parsed.event })
  }

  const aside = (arrival: Arrival, reason: string, error: string): void => {
    const settled = settle(arrival, () => bury(arrival, reason, error)).finally(() => asides.delete(settled))
    asides.add(settled)
  }

  const settle = async ({ channel, acks: own, message }: Arrival, end: () => Promise<string>): Promise<void> => {
    try {
      const outcome = await end()
      own.add(message)
      consumed.inc({ queue, outcome })
    } catch (error) {
      // The message was not acknowledged: closing the channel has it delivered again, after a pause.
      log.warn({ err: error, eventId: message.properties.messageId }, 'event could not be settled')
      own.flush()
      await closeQuietly(channel)
    }
  }

  const bury = async (
    { channel, message }: Pick<Arrival, 'channel' | 'message'>,
    reason: string,
    error: string,
  ): Promise<string> => {
    log.error(
      { eventId: message.properties.messageId, eventType: message.fields.routingKey, reason, fault: error },
      'dead letter',
    )
    await handOn(channel, message, { queue, reason, error })
    return 'dead'
  }

  const retry = async ({ channel, message, event }: Arrival & Delivery, error: unknown): Promise<string> => {
    const attempt = numberHeader(message, 'x-attempt')
    // An outage is not the event's fault: it waits without using up an attempt.
    const away = isConnectionError(error)
    const delayMs = away ? delays[Math.min(1, delays.length - 1)] : delays[attempt]
    const fault = errorSummary(error)
    if (delayMs === undefined) return bury({ channel, message }, 'failed', fault)
    log.warn(
      { err: error, eventId: event.id, eventType: event.type, attempt: attempt + 1, delayMs },
      'event failed, trying again later',
    )
    await handOn(channel, message, { queue, delayMs, attempt: away ? attempt : attempt + 1, error: fault })
    return 'retried'
  }

  const inContext = ({ event, message }: Delivery, tx: Tx): Promise<unknown> => {
    const header: unknown = message.properties.headers?.['traceparent']
    const traceparent = isTraceparent(header) ? header : undefined
    const context = { log: log.child({ eventId: event.id, eventType: event.type }), requestId: event.id, traceparent }
    const attributes = {
      'messaging.system': 'rabbitmq',
      'messaging.destination.name': queue,
      'messaging.message.id': event.id,
    }
    const end = seconds.startTimer({ queue })
    return withContext(context, () =>
      span(`${queue} ${event.type}`, { attributes, traceparent, kind: SpanKind.CONSUMER }, async () =>
        handle(event, tx),
      ),
    ).finally(end)
  }

  const batches = createBatches({ db, queue, timeoutMs, handle: inContext, ending: () => stopping })

  const lanes = createLanes<Arrival & Delivery>({
    limit,
    laneOf: ({ event }) => event.subject,
    most: prefetch,
    run: async (arrivals) => {
      const results = await batches(arrivals)
      const left: (Arrival & Delivery)[] = []
      for (const [index, arrival] of arrivals.entries()) {
        const result = results[index] ?? 'left'
        if (result === 'left') left.push(arrival)
        else await settle(arrival, async () => (typeof result === 'string' ? result : retry(arrival, result.error)))
        // The clocks of two machines differ: nothing is handled before it is written.
        if (result === 'handled')
          lag.observe({ queue }, Math.max(0, Date.now() - Date.parse(arrival.event.time)) / 1000)
      }
      return stopping ? [] : left
    },
  })

  return {
    ready: async (readyMs) => void (await kept.ready(readyMs)),
    stop: async (deadlineMs = 10_000) => {
      stopping = true
      void depths.stop()
      // At once: what waits must not begin while the broker is told.
      const idle = lanes.end()
      const channel = kept.current()
      if (channel && consumerTag)
        await withTimeout(2_000, 'no answer to cancel', channel.cancel(consumerTag)).catch(() => {})
      await withTimeout(deadlineMs, `handlers of ${queue} still run`, Promise.all([idle, ...asides])).catch((error) =>
        log.warn({ err: error }, 'cut short'),
      )
      acks?.flush()
      await kept.close()
    },
  }
}
