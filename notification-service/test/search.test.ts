import { newId } from '@clientele/platform/data/db'
import { eventually } from '@clientele/platform/testing/wait'
import { tablesWithText } from '../../features/test/find-text.ts'
import { customerEvent, dataOf, orderEvent, type Running, startNotifications } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startNotifications()
})
afterAll(() => service?.stop())

const place = async (fields: Record<string, unknown> = {}, number = 'ORD-000123') => {
  const customer = customerEvent(fields)
  const order = orderEvent(customer.subject, { number })
  await service.publish(customer, order)
  const { id } = await service.waitFor(order.subject, { status: expect.stringMatching(/sent|skipped/) })
  return { id, customer, phone: dataOf(customer).phone }
}
const find = async (q: string, others = ''): Promise<string[]> => {
  const { status, body } = await service.user.get(`/v1/notifications?q=${encodeURIComponent(q)}${others}`)
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body.data.map((found: { id: string }) => found.id)
}

describe('GET /v1/notifications?q=', () => {
  it('q finds notifications by order number, name and code of the customer, and recipient', async () => {
    const { id, phone } = await place({ name: 'Ångström', surname: 'Quibble', code: 'CUS-000501' }, 'ORD-000501')
    await place({}, 'ORD-000502')
    for (const q of ['quibble', 'angstrom', 'QUIBBLE ord-0005', phone, phone.slice(4), 'ORD-000501', 'ord-501', 'qu'])
      expect([q, await find(q)]).toEqual([q, [id]])
    for (const q of ['CUS-000501', 'cus-501', 'quibble cus-000501']) expect([q, await find(q)]).toEqual([q, [id]])
    const email = `quentin.${newId()}@example.com`
    const { id: mailed } = await place({ phone: null, email })
    expect(await find(email.toUpperCase())).toEqual([mailed])
    expect(await find('quibble', '&status=skipped')).toEqual([])
    expect(await find('ORD-999999999')).toEqual([])
    expect(await find('CUS-999999')).toEqual([])
  })

  it('q finds names by the letters that people type, and telephone numbers in any notation', async () => {
    const { id } = await place({ name: 'Łukasz', surname: 'O’Grady', phone: '+4915123450789' }, 'ORD-000601')
    const queries = [
      'lukasz',
      "o'grady",
      'O’Grady, Łukasz',
      '0151 23450789',
      '(0151) 23450789',
      '+49 (0)151 234 50 789',
    ]
    for (const q of [...queries, '0049 151 23450789', 'lukasz 0151/23450789'])
      expect([q, await find(q)]).toEqual([q, [id]])
    const text = 'ord-000601 łukasz o’grady +4915123450789'
    await service.db.query('update notifications set search_text = $2 where id = $1', [id, text])
    for (const q of queries) await eventually(async () => expect([q, await find(q)]).toEqual([q, [id]]))
  })

  it('q finds a skipped notification, and one whose customer becomes known later', async () => {
    const { id } = await place({ surname: 'Oblonsky', smsOptOut: true })
    await eventually(async () => expect(await find('oblonsky')).toEqual([id]))
    const customer = customerEvent({ surname: 'Karenina', smsOptOut: true })
    const order = orderEvent(customer.subject, { number: 'ORD-000777' })
    await service.publish(order)
    await service.waitFor(order.subject, { status: 'queued' })
    await eventually(async () => expect(await find('00077')).toHaveLength(1))
    await service.publish(customer)
    await eventually(async () => expect(await find('karenina')).toHaveLength(1))
  })

  it('q finds notifications by the new name of a customer and no more by the old one, and after a purge by neither', async () => {
    const { id, customer, phone } = await place({ name: 'Wilhelmina', surname: 'Oldham' }, 'ORD-000888')
    const { subject } = customer
    await service.db.query(
      `insert into notifications (id, template, order_id, customer_id, content, status, due_at)
       select gen_random_uuid(), 'order-placed', gen_random_uuid(), $1, '{"number": "ORD-000889"}', 'skipped', null
       from generate_series(1, 450)`,
      [subject],
    )
    const totalOf = async (q: string) => (await service.user.get(`/v1/notifications?q=${q}&limit=1`)).body.page.total
    await eventually(async () => expect(await totalOf('oldham')).toBe(451), { timeoutMs: 20_000 })
    const renamed = { id: subject, name: 'Wilhelmina', surname: 'Newbury', phone, version: 2 }
    await service.publish(customerEvent(renamed, 'customer.updated.v1'))
    await eventually(async () => expect([await totalOf('oldham'), await totalOf('newbury')]).toEqual([0, 451]), {
      timeoutMs: 20_000,
    })
    const purged = { id: subject, name: null, surname: null, phone: null, version: 3 }
    await service.publish(customerEvent(purged, 'customer.purged.v1'))
    await eventually(
      async () => expect(await tablesWithText(service.db, ['Wilhelmina', 'Newbury', phone])).toEqual([]),
      { timeoutMs: 20_000 },
    )
    await eventually(async () => expect([await totalOf('newbury'), await totalOf('00088')]).toEqual([0, 451]), {
      timeoutMs: 20_000,
    })
    expect(await find('ORD-000888')).toEqual([id])
  }, 60_000)

  it('any value of q is treated as data, and too many words return 400', async () => {
    for (const q of ["'", '%', '_', '\\', "' or 1=1", '\u{1f4a9}', newId()]) expect([q, await find(q)]).toEqual([q, []])
    const { status } = await service.user.get(`/v1/notifications?q=${'a%20b%20c%20d%20e%20f%20g%20h%20i%20j%20k'}`)
    expect(status).toBe(400)
  })
})
