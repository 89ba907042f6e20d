import type { EventType } from '@clientele/contracts/event'
import { SpanKind } from '@opentelemetry/api'
import type { ConfirmChannel, ConsumeMessage } from 'amqplib'
import type { LimitFunction } from 'p-limit'
import { isConnectionError } from '../../data/database-errors.ts'
import type { Db, Tx } from '../../data/db.ts'
import { withContext } from '../../runtime/context.ts'
import { errorSummary } from '../../runtime/error-info.ts'
import type { Log } from '../../runtime/log.ts'
import { isTraceparent, withSpan } from '../../runtime/telemetry.ts'
import { withTimeout } from '../../runtime/timeout.ts'
import type { Broker } from '../broker.ts'
import type { ChannelSetup } from '../channel.ts'
import { createEnvelopeParser } from '../envelope.ts'
import { foreignSender, refuseSender } from '../sender.ts'
import { type Acks, createAcks } from './acknowledgements.ts'
import { createConsumerMetrics } from './consumer-metrics.ts'
import { createBatchHandler, type Delivery } from './handle-batch.ts'
import { createKeyedConcurrency } from './keyed-concurrency.ts'
import { createQueueMetrics } from './queue-metrics.ts'
import { declareQueues } from './queue-topology.ts'
import { isCrashLoop, numberHeader, republish } from './retry.ts'
import type { RunningConsumer } from './running-consumer.ts'

type Options = {
  queue: string
  events: readonly EventType[]
  prefetch: number
  delays: readonly number[]
  timeoutMs: number
  filter(event: unknown): boolean
  handle(event: unknown, tx: Tx): Promise<unknown> | unknown
  /** Handles several events at once. Calls of it do not overlap. */
  handleAll: ((events: unknown[], tx: Tx) => Promise<unknown>) | undefined
  broker: Broker
  log: Log
  db: Db
  limit: LimitFunction
}

// While events come faster than that, they are handled together.
const pauseMs = 5

type ReceivedMessage = { channel: ConfirmChannel; acks: Acks; message: ConsumeMessage }

const closeQuietly = async (channel: ConfirmChannel): Promise<void> => {
  try {
    await channel.close()
  } catch {}
}

/** Consumes a durable queue until stopped. */
export const consumeQueue = (options: Options): RunningConsumer => {
  const { queue, events, prefetch, delays, timeoutMs, filter, handle, handleAll, broker, db, limit } = options
  const log = options.log.child({ queue })
  const metrics = createConsumerMetrics(queue, ['handled', 'duplicate', 'retried', 'dead', 'refused'])
  const parse = createEnvelopeParser(events)
  let consumerTag: string | undefined
  let stopping = false
  let currentAcks: Acks | undefined
  const deadLettering = new Set<Promise<void>>()

  const setup: ChannelSetup = async (opened, declare) => {
    await declareQueues(opened, declare, { queue, types: events.map(({ type }) => type), delays })
    await opened.prefetch(prefetch)
    const acks = createAcks(opened, prefetch)
    currentAcks = acks
    const { consumerTag: tag } = await opened.consume(queue, (message) => onMessage(opened, acks, message))
    consumerTag = tag
  }
  const channel = broker.channel(queue, setup, { onOpen: () => void queueMetrics.measure() })
  const queueMetrics = createQueueMetrics({ queue, delays, log, channel: channel.current })
  void queueMetrics.start()

  const onMessage = (source: ConfirmChannel, acks: Acks, message: ConsumeMessage | null): void => {
    if (message === null) {
      log.warn('the queue was deleted or moved; declaring it again')
      void closeQuietly(source)
      return
    }
    if (stopping) return
    const parsed = parse(message.content)
    const received = { channel: source, acks, message }
    const refusal = 'event' in parsed ? refuseSender(message, parsed.event, queue) : undefined
    if (!('event' in parsed)) reject(received, 'unreadable', parsed.error)
    else if (refusal !== undefined) reject(received, foreignSender, refusal)
    else if (isCrashLoop(message)) reject(received, 'delivered too often', 'no handler finished')
    else if (!filter(parsed.event)) void finish(received, async () => 'ignored')
    else scheduler.add({ ...received, event: parsed.event })
  }

  const reject = (received: ReceivedMessage, reason: string, error: string): void => {
    const finished = finish(received, () => deadLetter(received, reason, error)).finally(() =>
      deadLettering.delete(finished),
    )
    deadLettering.add(finished)
  }

  /** Acknowledges a message once `complete` has resolved to the outcome. */
  const finish = async (
    { channel: source, acks, message }: ReceivedMessage,
    complete: () => Promise<string>,
  ): Promise<void> => {
    try {
      const outcome = await complete()
      acks.add(message)
      metrics.count(outcome)
    } catch (error) {
      // The message is not acknowledged. Closing the channel makes the broker deliver it again, after a pause.
      log.warn({ err: error, eventId: message.properties.messageId }, 'message could not be finished')
      acks.flush()
      await closeQuietly(source)
    }
  }

  const deadLetter = async (
    { channel: source, message }: Pick<ReceivedMessage, 'channel' | 'message'>,
    reason: string,
    error: string,
  ): Promise<string> => {
    log.error(
      { eventId: message.properties.messageId, eventType: message.fields.routingKey, reason, error },
      'dead letter',
    )
    await republish(source, message, { queue, reason, error })
    return reason === foreignSender ? 'refused' : 'dead'
  }

  const retry = async (
    { channel: source, message, event }: ReceivedMessage & Delivery,
    error: unknown,
  ): Promise<string> => {
    const attempt = numberHeader(message, 'x-attempt')
    // A database outage is not the fault of the event, so the retry does not count as an attempt.
    const isOutage = isConnectionError(error)
    const delayMs = isOutage ? delays[Math.min(1, delays.length - 1)] : delays[attempt]
    const summary = errorSummary(error)
    if (delayMs === undefined) return deadLetter({ channel: source, message }, 'failed', summary)
    log.warn(
      { err: error, eventId: event.id, eventType: event.type, attempt: attempt + 1, delayMs },
      'event failed, retrying later',
    )
    const nextAttempt = isOutage ? attempt : attempt + 1
    await republish(source, message, { queue, delayMs, attempt: nextAttempt, error: summary })
    return 'retried'
  }

  const traceparentOf = ({ message }: Delivery): string | undefined => {
    const header: unknown = message.properties.headers?.['traceparent']
    return isTraceparent(header) ? header : undefined
  }
  const messaging = { 'messaging.system': 'rabbitmq', 'messaging.destination.name': queue }

  const handleInContext = (delivery: Delivery, tx: Tx): Promise<unknown> => {
    const { event } = delivery
    const traceparent = traceparentOf(delivery)
    const context = { log: log.child({ eventId: event.id, eventType: event.type }), requestId: event.id, traceparent }
    const attributes = { ...messaging, 'messaging.message.id': event.id }
    const stopTimer = metrics.startTimer()
    return withContext(context, () =>
      withSpan(`${queue} ${event.type}`, { attributes, traceparent, kind: SpanKind.CONSUMER }, async () =>
        handle(event, tx),
      ),
    ).finally(stopTimer)
  }

  const handleAllInContext =
    handleAll &&
    ((deliveries: Delivery[], tx: Tx): Promise<unknown> => {
      const all = deliveries.map(({ event }) => event)
      const attributes = { ...messaging, 'messaging.batch.message_count': all.length }
      const links = deliveries.map(traceparentOf).filter((traceparent) => traceparent !== undefined)
      const stopTimer = metrics.startTimer()
      return withContext({ log: log.child({ events: all.length }), requestId: all[0]?.id ?? '' }, () =>
        withSpan(queue, { attributes, traceparent: null, links, kind: SpanKind.CONSUMER }, () => handleAll(all, tx)),
      ).finally(stopTimer)
    })

  const handleBatch = createBatchHandler({
    ...{ db, queue, timeoutMs },
    handle: handleInContext,
    handleAll: handleAllInContext,
    isStopping: () => stopping,
  })

  const scheduler = createKeyedConcurrency<ReceivedMessage & Delivery>({
    limit,
    ...(handleAll && { maxCalls: 1, pauseMs }),
    keyOf: ({ event }) => event.subject,
    maxBatch: prefetch,
    run: async (batch) => {
      const results = await handleBatch(batch)
      const deferred: (ReceivedMessage & Delivery)[] = []
      for (const [index, received] of batch.entries()) {
        const result = results[index] ?? 'deferred'
        if (result === 'deferred') deferred.push(received)
        else await finish(received, async () => (typeof result === 'string' ? result : retry(received, result.error)))
        if (result === 'handled') metrics.observeLag(received.event.time)
      }
      return stopping ? [] : deferred
    },
  })

  return {
    ready: async (readyMs) => void (await channel.ready(readyMs)),
    stop: async (timeoutMs = 10_000) => {
      stopping = true
      void queueMetrics.stop()
      // Discards waiting events at once: none may start while the broker cancels the consumer.
      const idle = scheduler.stop()
      const open = channel.current()
      if (open && consumerTag)
        await withTimeout(2_000, 'the broker did not confirm the cancel', open.cancel(consumerTag)).catch(() => {})
      await withTimeout(timeoutMs, `handlers of ${queue} still run`, Promise.all([idle, ...deadLettering])).catch(
        (error) => log.warn({ err: error }, 'handlers did not finish in time'),
      )
      currentAcks?.flush()
      await channel.close()
    },
  }
}
