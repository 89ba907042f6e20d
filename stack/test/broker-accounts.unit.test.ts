import { permissionsOf, processOfAccount, publishersOf } from '@clientele/contracts/broker-accounts'
import { everyType, parseRegistry, registry } from '@clientele/contracts/services'
import type { ServiceContract } from '@clientele/platform/service/contract'

type Row = { name: string; publishes: string[]; consumes: string[]; readsEverything: boolean }

const typesOf = (events: { type: string }[]): string[] => [...new Set(events.map(({ type }) => type))].sort()
const rows: Row[] = await Promise.all(
  registry.services.map(async ({ name, consumes }) => {
    const { contract } = (await import(`../../${name}/src/contract.ts`)) as { contract: ServiceContract }
    return {
      name,
      publishes: typesOf(contract.publishes),
      consumes: typesOf(contract.consumes),
      readsEverything: consumes.includes(everyType),
    }
  }),
)
const allTypes = [...new Set(rows.flatMap(({ publishes, consumes }) => [...publishes, ...consumes]))].sort()
const revocations = registry.gateway.consumes

describe('Who publishes and consumes events', () => {
  it('every event type has exactly one publisher, except for the end of an import, which each importing service has', () => {
    const shared = allTypes.filter((type) => publishersOf(type).length !== 1)
    expect(shared).toEqual(['import.finished.v1'])
    for (const { name, publishes } of rows) for (const type of publishes) expect(publishersOf(type)).toContain(name)
  })

  it.each(rows)('the account of $name may publish the events of its contract and no others', ({ name, publishes }) => {
    const mayPublish = new RegExp(permissionsOf(name).topics.write)
    expect(allTypes.filter((type) => mayPublish.test(type))).toEqual(publishes)
  })

  it.each(rows)('the account of $name may read the events of its contract, revocations and no others', (row) => {
    const mayRead = new RegExp(permissionsOf(row.name).topics.read)
    expect(allTypes.filter((type) => mayRead.test(type))).toEqual(
      [...new Set([...row.consumes, ...revocations])].sort(),
    )
    for (const pattern of ['#', '*.created.v1', 'notification.#'])
      expect(mayRead.test(pattern)).toBe(row.readsEverything)
  })

  it('only activity-service may read every event, also those of later releases, and it publishes none of the others', () => {
    expect(rows.filter(({ readsEverything }) => readsEverything).map(({ name }) => name)).toEqual(['activity-service'])
    const { topics } = permissionsOf('activity-service')
    for (const type of [...allTypes, 'invoice.sent.v1', '#']) expect(new RegExp(topics.read).test(type)).toBe(true)
    for (const type of ['customer.created.v1', 'order.placed.v1', 'auditor.created.v1', '#'])
      expect(new RegExp(topics.write).test(type)).toBe(false)
  })

  it('the contract of activity-service names every event that a service publishes', () => {
    const published = rows.flatMap(({ publishes }) => publishes)
    expect(rows.find(({ name }) => name === 'activity-service')?.consumes).toEqual([...new Set(published)].sort())
  })

  it('the gateway may publish nothing, and read revocations only', () => {
    const { permissions, topics } = permissionsOf('gateway')
    expect(allTypes.filter((type) => new RegExp(topics.write).test(type))).toEqual([])
    expect(allTypes.filter((type) => new RegExp(topics.read).test(type))).toEqual([...revocations].sort())
    expect(new RegExp(permissions.write).test('clientele.events')).toBe(false)
  })

  it.each([...rows.map(({ name }) => name), 'gateway'])(
    'the account of %s has no rights on queues and exchanges of others',
    (name) => {
      const { configure, write, read } = permissionsOf(name).permissions
      for (const expression of [configure, write, read])
        for (const resource of [
          'amq.default',
          'amq.topic',
          'clientele.events.x',
          `x${name}.queue`,
          `${name}`,
          'other.x',
        ])
          expect(new RegExp(expression).test(resource)).toBe(false)
      expect(new RegExp(configure).test('clientele.events')).toBe(false)
    },
  )

  it('an account belongs to the process whose name it has after any prefix', () => {
    expect(['customer-service', 'shop-customer-service', 'clientele-gateway'].map(processOfAccount)).toEqual([
      ...['customer-service', 'customer-service', 'gateway'],
    ])
    expect(['clientele', 'mycustomer-service', 'customer-service-2', ''].map(processOfAccount)).toEqual([
      ...[undefined, undefined, undefined, undefined],
    ])
  })

  it('services.json is refused if a service consumes every event and names others too', () => {
    const services = registry.services.map((row) =>
      row.name === 'activity-service' ? { ...row, consumes: [everyType, 'customer'] } : row,
    )
    expect(() => parseRegistry({ ...registry, services })).toThrow(/consumes/)
  })

  it('services.json is refused if two services publish the same events', () => {
    const services = registry.services.map((row) =>
      row.name === 'media-service' ? { ...row, publishes: ['media', 'order'] } : row,
    )
    expect(() => parseRegistry({ ...registry, services })).toThrow(/the publisher of order is given twice/)
  })
})
