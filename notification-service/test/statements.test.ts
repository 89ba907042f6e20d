import { openConnections, recordStatements } from '@clientele/platform/testing/statements'
import { customerEvent, orderEvent, startNotifications } from './start.ts'

let service: Awaited<ReturnType<typeof startNotifications>>
let statements: ReturnType<typeof recordStatements>
beforeAll(async () => {
  service = await startNotifications()
  statements = recordStatements()
  await openConnections(service.db)
})
afterAll(async () => {
  statements?.stop()
  await service?.stop()
})

it.each(['/v1/notifications/{id}', '/v1/notifications', '/v1/notifications?q=ana'])(
  'to read %s takes two statements: notifications, and the names of all their customers',
  async (path) => {
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    await service.publish(customer, order)
    const { id } = await service.waitFor(order.subject, {})
    const of = path.replace('{id}', id)
    // The size of a table, and names of users, are read once and kept for a while.
    await service.admin.get(of)
    expect(await statements.of((headers) => service.admin.get(of, headers))).toHaveLength(2)
  },
)
