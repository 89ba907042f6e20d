import type { ConfirmChannel, ConsumeMessage } from 'amqplib'

/** Acknowledges the messages of a channel that has one consumer. */
export type Acks = {
  add(message: ConsumeMessage): void
  /** Sends the pending acknowledgements. On a closed channel they are lost, and the messages are delivered again. */
  flush(): void
}

const maxDelayMs = 10

/**
 * Collects acknowledgements for up to 10 ms, or until a quarter of `prefetch` is pending. Consecutive messages then take one
 * frame and one entry in the queue's log. If the process dies meanwhile, these messages are delivered again.
 */
export const createAcks = (channel: ConfirmChannel, prefetch: number): Acks => {
  const maxPending = Math.max(1, Math.floor(prefetch / 4))
  const pending = new Map<number, ConsumeMessage>()
  const sent = new Set<number>()
  // The lowest delivery tag that is not acknowledged yet. RabbitMQ counts deliveries on a channel from 1.
  let next = 1
  let timer: NodeJS.Timeout | undefined

  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    let last: ConsumeMessage | undefined
    for (; pending.has(next) || sent.has(next); next += 1) {
      last = pending.get(next) ?? last
      pending.delete(next)
      sent.delete(next)
    }
    try {
      if (last) channel.ack(last, true)
      for (const [tag, message] of pending) {
        channel.ack(message, false)
        sent.add(tag)
      }
    } catch {
      // The channel is closed: unacknowledged messages are delivered again.
    }
    pending.clear()
  }

  return {
    flush,
    add: (message) => {
      pending.set(message.fields.deliveryTag, message)
      if (pending.size >= maxPending) flush()
      else timer ??= setTimeout(flush, maxDelayMs)
    },
  }
}
