import type { ConfirmChannel, ConsumeMessage } from 'amqplib'
import type { Db, Tx } from '../../data/db.ts'
import { withContext } from '../../runtime/context.ts'
import type { Log } from '../../runtime/log.ts'
import { sleep, withTimeout } from '../../runtime/timeout.ts'
import type { Broker } from '../broker.ts'
import { createConsumerMetrics } from './consumer-metrics.ts'
import { claimNew } from './inbox.ts'
import { createQueueMetrics } from './queue-metrics.ts'
import { declareQueues } from './queue-topology.ts'
import { type OrderedBatch, type ReceivedEvent, readMessage, type UnreadableMessage } from './received-event.ts'
import type { RunningConsumer } from './running-consumer.ts'

type Options = {
  queue: string
  prefetch: number
  handle(batch: OrderedBatch, tx: Tx): Promise<unknown>
  onCommitted(): void
  broker: Broker
  log: Log
  db: Db
}

const firstPauseMs = 100
const maxPauseMs = 10_000
const transactionTimeoutMs = 60_000

/** Consumes all events of a queue in its order until stopped: see `orderedConsumer`. */
export const consumeInOrder = (options: Options): RunningConsumer => {
  const { queue, prefetch, handle, onCommitted, broker, db } = options
  const log = options.log.child({ queue })
  const metrics = createConsumerMetrics(queue, ['handled', 'duplicate', 'retried', 'dead'])
  const stopping = new AbortController()
  let waiting: ConsumeMessage[] = []
  let source: ConfirmChannel | undefined
  let consumerTag: string | undefined
  let working: Promise<void> | undefined

  const channel = broker.channel(
    queue,
    async (opened, declare) => {
      await declareQueues(opened, declare, { queue, types: ['#'], delays: [], hasSingleConsumer: true })
      await opened.prefetch(prefetch)
      // What an earlier channel delivered is delivered again, to this process or to another one.
      source = opened
      waiting = []
      opened.once('close', () => {
        if (source === opened) waiting = []
      })
      ;({ consumerTag } = await opened.consume(queue, (message) => onMessage(opened, message)))
    },
    { onOpen: () => void queueMetrics.measure() },
  )
  const queueMetrics = createQueueMetrics({ queue, delays: [], log, channel: channel.current })
  void queueMetrics.start()

  const onMessage = (from: ConfirmChannel, message: ConsumeMessage | null): void => {
    if (message === null) {
      log.warn('the queue was deleted or moved; declaring it again')
      channel.reset()
      return
    }
    if (stopping.signal.aborted || source !== from) return
    waiting.push(message)
    working ??= work().finally(() => {
      working = undefined
    })
  }

  const work = async (): Promise<void> => {
    // Messages that arrive in the same turn are one batch.
    await new Promise(setImmediate)
    while (waiting.length > 0 && !stopping.signal.aborted) {
      const from = source
      const messages = waiting.splice(0, prefetch)
      const isCommitted = await handleUntilCommitted(messages, () => source === from)
      if (isCommitted) acknowledge(from, messages)
    }
  }

  /** @returns whether it is committed; false if the process stops or the channel was closed meanwhile */
  const handleUntilCommitted = async (messages: ConsumeMessage[], isCurrent: () => boolean): Promise<boolean> => {
    for (let pause = firstPauseMs; !stopping.signal.aborted && isCurrent(); pause = Math.min(2 * pause, maxPauseMs)) {
      try {
        await handleOnce(messages)
        return true
      } catch (error) {
        metrics.count('retried', messages.length)
        log.error({ err: error, messages: messages.length, pause }, 'events could not be stored, trying again')
        await sleep(pause, stopping.signal)
      }
    }
    return false
  }

  const handleOnce = async (messages: ConsumeMessage[]): Promise<void> => {
    const stopTimer = metrics.startTimer()
    const read = messages.map((message) => readMessage(message, queue))
    const all = new Map<string, ReceivedEvent>()
    for (const each of read) if ('id' in each && !all.has(each.id.toLowerCase())) all.set(each.id.toLowerCase(), each)
    const unreadable = read.filter((each): each is UnreadableMessage => !('id' in each))
    const transaction = db.transaction(async (tx) => {
      const claimed = await claimNew(db, tx, queue, [...all.keys()])
      const events = [...all].filter(([id]) => claimed.has(id)).map(([, event]) => event)
      if (events.length + unreadable.length > 0)
        await withContext({ log, requestId: events[0]?.id ?? queue }, () => handle({ events, unreadable }, tx))
      return events
    })
    const events = await withTimeout(transactionTimeoutMs, `transaction of ${queue} timed out`, transaction)
    stopTimer()
    onCommitted()
    report(events, unreadable.length, messages.length)
  }

  const report = (events: ReceivedEvent[], unreadable: number, messages: number): void => {
    metrics.count('handled', events.length)
    metrics.count('duplicate', messages - events.length - unreadable)
    metrics.count('dead', unreadable)
    if (unreadable > 0) log.error({ messages: unreadable }, 'messages are no events')
    for (const { time } of events) metrics.observeLag(time)
  }

  const acknowledge = (from: ConfirmChannel | undefined, messages: ConsumeMessage[]): void => {
    const last = messages.at(-1)
    if (!from || !last || source !== from) return
    try {
      from.ack(last, true)
    } catch {
      // The channel is closed: the messages are delivered again, and their events are known.
    }
  }

  return {
    ready: async (readyMs) => void (await channel.ready(readyMs)),
    stop: async (timeoutMs = 10_000) => {
      stopping.abort()
      void queueMetrics.stop()
      const open = channel.current()
      if (open && consumerTag !== undefined)
        await withTimeout(2_000, 'the broker did not confirm the cancel', open.cancel(consumerTag)).catch(() => {})
      await withTimeout(timeoutMs, `the handler of ${queue} still runs`, working ?? Promise.resolve()).catch((error) =>
        log.warn({ err: error }, 'the handler did not finish in time'),
      )
      await channel.close()
    },
  }
}
