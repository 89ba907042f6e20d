import type { ConfirmChannel, ConsumeMessage } from 'amqplib'

/** Acknowledgements of one channel's only consumer. */
export type Acks = {
  add(message: ConsumeMessage): void
  /** Sends what is gathered; on a closed channel it is lost, and the messages come again. */
  flush(): void
}

const longestMs = 10

/**
 * Gathers acknowledgements for up to 10 ms, or until a quarter of `prefetch` waits: messages that follow each other take one
 * frame, and one entry in the queue's log. Nobody waits for it; a process that dies meanwhile gets these messages again.
 */
export const createAcks = (channel: ConfirmChannel, prefetch: number): Acks => {
  const most = Math.max(1, Math.floor(prefetch / 4))
  const gathered = new Map<number, ConsumeMessage>()
  const sent = new Set<number>()
  // All before this one are acknowledged.
  let next = 1
  let timer: NodeJS.Timeout | undefined

  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    let last: ConsumeMessage | undefined
    for (; gathered.has(next) || sent.has(next); next += 1) {
      last = gathered.get(next) ?? last
      gathered.delete(next)
      sent.delete(next)
    }
    try {
      if (last) channel.ack(last, true)
      for (const [tag, message] of gathered) {
        channel.ack(message, false)
        sent.add(tag)
      }
    } catch {
      // The channel is closed: what it had not been told of is delivered again.
    }
    gathered.clear()
  }

  return {
    flush,
    add: (message) => {
      gathered.set(message.fields.deliveryTag, message)
      if (gathered.size >= most) flush()
      else timer ??= setTimeout(flush, longestMs)
    },
  }
}
