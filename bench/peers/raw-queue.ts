import { connect } from 'amqplib'
import { answering } from '../program.ts'
import { type Burst, createTimes, numbered, paced } from './event-load.ts'

// The client library alone: persistent messages, confirmed, through a durable quorum queue, acknowledged.
answering(async ({ brokerUrl, queue }: { brokerUrl: string; queue: string }) => {
  const model = await connect(brokerUrl, { noDelay: true })
  const channel = await model.createConfirmChannel()
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  const times = createTimes()

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
      await paced(burst, async (n) => {
        const content = Buffer.from(JSON.stringify(numbered(n)))
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
