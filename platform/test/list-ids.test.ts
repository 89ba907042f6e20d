import { randomUUID } from 'node:crypto'
import { list } from '@clientele/platform/lists/list'
import { Problem } from '@clientele/platform/runtime/problem'
import { createDocument } from 'zod-openapi'
import { people, startPeople } from './people.ts'

let ids: string[]
let run: Awaited<ReturnType<typeof startPeople>>['run']
let stop: (() => Promise<void>) | undefined
beforeAll(async () => {
  ;({ run, stop } = await startPeople())
  ids = (await run({ limit: '120', sort: 'code' })).rows.map(({ id }) => id)
})
afterAll(() => stop?.())

const problemOf = async (query: Record<string, string>): Promise<Problem> => {
  const thrown: unknown = await run(query).catch((error: unknown) => error)
  if (!(thrown instanceof Problem)) throw new Error(`no problem for ${JSON.stringify(query)}`)
  return thrown
}

describe('The filter by id', () => {
  it('returns the named rows in the order of the sort, and leaves out unknown ids', async () => {
    const [first = '', second = '', third = ''] = ids
    const { rows, page } = await run({ id: [third, randomUUID(), first.toUpperCase()].join(','), sort: 'code' })
    expect(rows.map(({ id }) => id)).toEqual([first, third])
    expect(page).toMatchObject({ total: 2, totalRelation: 'eq', nextCursor: null })
    expect((await run({ id: second })).rows.map(({ id }) => id)).toEqual([second])
  })

  it('a hundred ids are one page, and a smaller limit pages them', async () => {
    const named = ids.slice(0, 100)
    const all = await run({ id: named.join(','), sort: 'code' })
    expect(all.rows.map(({ id }) => id)).toEqual(named)
    expect(all.page).toMatchObject({ limit: 100, total: 100, nextCursor: null })
    const part = await run({ id: named.join(','), sort: 'code', limit: '30' })
    const next = await run({ id: named.join(','), limit: '30', cursor: String(part.page.nextCursor) })
    expect(next.rows.map(({ id }) => id)).toEqual(named.slice(30, 60))
  })

  it('combines with other filters and with free text', async () => {
    const named = ids.slice(0, 20).join(',')
    const { rows } = await run({ id: named, active: 'true', q: 'person', sort: 'code' })
    expect(rows.map(({ number }) => number)).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18, 20])
  })

  it.each([
    ['101 ids', () => ids.slice(0, 101).join(','), 'has too many ids: give up to 100 ids, separated by commas'],
    [
      'ids beyond any limit',
      () => ids.join(',').repeat(9),
      'has too many ids: give up to 100 ids, separated by commas',
    ],
    ['no id', () => '', 'id 1 is not a UUID: give up to 100 ids, separated by commas'],
    ['an empty id', () => `${ids[0]},`, 'id 2 is not a UUID: give up to 100 ids, separated by commas'],
    ['a malformed id', () => `${ids[0]},CUS-000001`, 'id 2 is not a UUID: give up to 100 ids, separated by commas'],
  ])('%s is a 400 that names the parameter and the limit', async (_title, value, message) => {
    const problem = await problemOf({ id: value() })
    expect(problem.status).toBe(400)
    expect(problem.options.errors).toEqual([{ code: 'invalid_parameter', parameter: 'id', message }])
  })

  it('has no other operators', async () =>
    expect((await problemOf({ 'id[ne]': String(ids[0]) })).code).toBe('unknown_parameter'))

  it('is documented with an example, also for a selection', () => {
    const document = createDocument({
      openapi: '3.1.0',
      info: { title: 'People', version: '1' },
      paths: {
        '/people': {
          get: { requestParams: { query: people.query }, responses: {} },
          post: { requestBody: { content: { 'application/json': { schema: people.selection } } }, responses: {} },
        },
      },
    })
    const { get, post } = document.paths?.['/people'] ?? {}
    const parameter = get?.parameters?.find((each) => 'name' in each && each.name === 'id')
    const content = post?.requestBody as { content: Record<string, { schema: { properties: { id: object } } }> }
    for (const documented of [parameter, content.content['application/json']?.schema.properties.id])
      expect(documented).toMatchObject({
        description: expect.stringContaining('up to 100'),
        example: [expect.stringMatching(/^[0-9a-f-]{36}$/), expect.stringMatching(/^[0-9a-f-]{36}$/)],
      })
  })

  it('exists only in a list whose rows have an id', () => {
    const editors = list({
      table: 'people',
      columns: ['createdBy'],
      sort: ['createdBy'],
      defaultSort: 'createdBy',
      id: 'created_by',
    })
    expect(Object.keys(editors.query.shape)).not.toContain('id')
  })
})
