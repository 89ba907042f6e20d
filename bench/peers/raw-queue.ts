import { connect } from 'amqplib'
import { servePeer } from '../peer-process.ts'
import { type Burst, createTimestamps, numberedEvent, sendAtRate } from './event-load.ts'

// The client library alone: persistent, confirmed messages through a durable quorum queue with acknowledgements.
servePeer(async ({ brokerUrl, queue }: { brokerUrl: string; queue: string }) => {
  const model = await connect(brokerUrl, { noDelay: true })
  const channel = await model.createConfirmChannel()
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  const times = createTimestamps()

  return {
    consume: async () => {
      await channel.prefetch(100)
      await channel.consume(queue, (message) => {
        if (!message) return
        times.note(Number(message.properties.messageId))
        JSON.parse(message.content.toString())
        channel.ack(message)
      })
    },
    send: async (burst: Burst) => {
      await sendAtRate(burst, async (n) => {
        const content = Buffer.from(JSON.stringify(numberedEvent(n)))
        const { promise, resolve, reject } = Promise.withResolvers<void>()
        times.note(n)
        const options = { persistent: true, mandatory: true, messageId: String(n) }
        channel.publish('', queue, content, options, (error) => (error ? reject(error) : resolve()))
        return promise
      })
      return times.take(burst)
    },
    take: times.take,
    end: () => model.close(),
  }
})
