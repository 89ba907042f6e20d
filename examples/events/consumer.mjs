// Prints the changes of customers and orders. ../../docs/events.md explains it.
import { connect } from 'amqplib'

const { AMQP_URL = '', QUEUE = 'erp.sync', BIND = 'customer.#,order.#' } = process.env
const queueArguments = {
  'x-queue-type': 'quorum', // survives the loss of one of three nodes
  'x-single-active-consumer': true, // a second process waits, so that the order holds
  'x-max-length-bytes': 1_000_000_000, // the oldest events are dropped from then on
}

// In a program of your own both are tables, written in one transaction with what the event changes.
const handledIds = new Set()
const versions = new Map()

const handle = async ({ id, type, subject, data }) => {
  if (handledIds.has(id)) return
  if (data.version < (versions.get(subject) ?? 0)) return
  console.log(type, subject, `version ${data.version}`, `changed ${data.changed ?? 'everything'}`)
  handledIds.add(id)
  versions.set(subject, data.version)
}

const connection = await connect(AMQP_URL)
// Whatever starts this program, such as systemd, Docker or Kubernetes, starts it again.
connection.on('close', () => process.exit(1))
const channel = await connection.createChannel()
await channel.assertQueue(QUEUE, { durable: true, arguments: queueArguments })
for (const pattern of BIND.split(',')) await channel.bindQueue(QUEUE, 'clientele.events', pattern)
await channel.prefetch(1)
await channel.consume(QUEUE, async (message) => {
  if (message === null) process.exit(1)
  // If this throws, the process ends without an acknowledgement, and the event is delivered again.
  await handle(JSON.parse(message.content.toString()))
  channel.ack(message)
})
console.log(`waiting for ${BIND} in ${QUEUE}`)
