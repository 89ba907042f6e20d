import { connect } from 'amqplib'
import type pg from 'pg'

const exchange = 'bare'
const take = `delete from outbox where id in (select id from outbox order by id limit 500 for update)
  returning id, event_id, type, subject, data::text as data, created_at`

type InTransaction = (work: (client: pg.PoolClient) => Promise<void>) => Promise<void>

/** Publishes the bare server's events to a durable quorum queue. Call `wake` after each commit that adds events. */
export const publishOutbox = async (broker: string, inTransaction: InTransaction) => {
  const model = await connect(broker, { noDelay: true })
  const channel = await model.createConfirmChannel()
  await channel.assertExchange(exchange, 'topic', { durable: true })
  const { queue } = await channel.assertQueue(exchange, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  await channel.bindQueue(queue, exchange, '#')

  // The rows are deleted once the broker has confirmed the whole batch.
  const publish = () =>
    inTransaction(async (client) => {
      const { rows } = await client.query({ name: 'take', text: take })
      for (const { event_id: id, type, subject, data, created_at: time } of rows.sort((a, b) => a.id - b.id)) {
        const event = { specversion: '1.0', id, source: '/bare', type, subject, time, data: JSON.parse(data) }
        const options = {
          persistent: true,
          mandatory: true,
          messageId: id,
          contentType: 'application/cloudevents+json',
        }
        channel.publish(exchange, type, Buffer.from(JSON.stringify(event)), options)
      }
      await channel.waitForConfirms()
    })

  let publishing: Promise<void> | undefined
  let more = false
  return {
    wake: (): void => {
      more = true
      publishing ??= (async () => {
        while (more) {
          more = false
          await publish()
        }
      })().finally(() => {
        publishing = undefined
      })
    },
    end: async (): Promise<void> => {
      await publishing
      await model.close()
    },
  }
}
