import { TagCounts } from '@clientele/contracts/customer'
import { observeQueries } from '@clientele/platform/testing/database'
import { eventually } from '@clientele/platform/testing/wait'
import { createTagService } from '../src/tags/tag.service.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startCustomers()
  const tagged = [['vip', 'Großhandel'], ['vip', 'Café bar'], ['vip'], ['Café bar', 'a%b'], ['trashed', 'vip']]
  const ids: string[] = []
  for (const tags of tagged) ids.push((await service.user.post('/v1/customers', aCustomer({ tags }))).body.id)
  await service.user.delete(`/v1/customers/${ids.at(-1)}`)
})
afterAll(() => service?.stop())

const found = async (query: string): Promise<[string, number][]> => {
  const { status, body } = await service.user.get(`/v1/tags?${query}`)
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
  return TagCounts.parse(body).data.map(({ tag, customers }) => [tag, customers])
}

describe('GET /v1/tags', () => {
  it('lists the tags with the number of their customers, most used first, without the trash', async () => {
    expect(await found('')).toEqual([
      ['vip', 3],
      ['Café bar', 2],
      ['Großhandel', 1],
      ['a%b', 1],
    ])
    const { body } = await service.user.get('/v1/tags?limit=2')
    expect(body).toMatchObject({ total: 4, data: [{ tag: 'vip' }, { tag: 'Café bar' }] })
    expect(body.countedAt).toMatch(/Z$/)
  })

  it.each([
    ['cafe', ['Café bar']],
    ['BAR caf', ['Café bar']],
    ['%', ['a%b']],
    ['.*', []],
    ['trashed', []],
  ])('q=%s finds %j', async (q, expected) =>
    expect((await found(`q=${encodeURIComponent(q)}`)).map(([tag]) => tag)).toEqual(expected),
  )

  it.each(['limit=0', 'limit=201', 'limit=x', 'tag=vip'])('%s is a 400 that names the parameter', async (query) => {
    const { status, body } = await service.user.get(`/v1/tags?${query}`)
    expect([status, body.errors[0].parameter]).toEqual([400, query.split('=')[0]])
  })

  it('requests share a count, and the next one after its time counts again', async () => {
    const statements: string[] = []
    const db = observeQueries(service.db, async (sql) => void statements.push(sql))
    const kept = createTagService({ db, minimumAgeMs: 60_000 })
    await Promise.all(Array.from({ length: 5 }, () => kept.list({ limit: 1 })))
    await kept.list({ q: 'bar', limit: 1 })
    expect(statements).toHaveLength(1)
    const brief = createTagService({ db: service.db, minimumAgeMs: 0 })
    expect((await brief.list({ q: 'later', limit: 5 })).data).toEqual([])
    await service.user.post('/v1/customers', aCustomer({ tags: ['later'] }))
    await eventually(async () =>
      expect((await brief.list({ q: 'later', limit: 5 })).data).toEqual([{ tag: 'later', customers: 1 }]),
    )
  })

  it('a count that failed is not kept', async () => {
    let isBroken = true
    const db = observeQueries(service.db, async () => {
      if (isBroken) throw new Error('the database is away')
    })
    const tags = createTagService({ db, minimumAgeMs: 60_000 })
    await expect(tags.list({ limit: 1 })).rejects.toThrow('away')
    isBroken = false
    expect((await tags.list({ limit: 1 })).data).toHaveLength(1)
  })
})
