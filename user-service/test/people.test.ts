import { startUsers, type UsersService, unique } from './users-service.ts'

let users: UsersService
const surname = unique('Mw').replaceAll(/[^A-Za-z]/g, '')
let ids: Record<string, string>
const create = async (name: string, fields: Record<string, unknown> = {}) => {
  const username = unique('p')
  const body = { username, email: `${username}@hidden.example`, name, surname, password: 'correct horse', ...fields }
  return (await users.admin().post('/v1/users', body)).body
}
beforeAll(async () => {
  users = await startUsers()
  ids = {}
  for (const [name, fields] of Object.entries({
    Zoë: {},
    Ana: { roles: ['admin'] },
    Ben: {},
    Buyer: { roles: [] },
    Gone: {},
  }))
    ids[name] = (await create(name, fields)).id
  await users.admin().patch(`/v1/users/${ids['Ben']}`, { enabled: false })
  await users.admin().delete(`/v1/users/${ids['Gone']}`)
}, 120_000)
afterAll(() => users?.end(), 60_000)

const people = async (query: string) => {
  const { status, body } = await users.user().get(`/v1/people?${query}`)
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body.data
}
const names = async (query: string) =>
  (await people(query)).map(({ displayName }: { displayName: string }) => displayName.split(' ')[0])

describe('GET /v1/people', () => {
  it('shows every user the id, name and state of those who have a role', async () => {
    expect(await people(`q=${surname}`)).toEqual([
      { id: ids['Ana'], displayName: `Ana ${surname}`, enabled: true },
      { id: ids['Ben'], displayName: `Ben ${surname}`, enabled: false },
      { id: ids['Zoë'], displayName: `Zoë ${surname}`, enabled: true },
    ])
    expect(await names(`q=${surname}&enabled=true`)).toEqual(['Ana', 'Zoë'])
    expect(await names(`q=${encodeURIComponent(`ZOË ${surname}`)}`)).toEqual(['Zoë'])
    expect(await names(`id=${ids['Zoë']},${ids['Buyer']},${ids['Gone']}`)).toEqual(['Zoë'])
  })

  it('finds nobody by an e-mail address or a username', async () => {
    const { username, email } = await create('Secret')
    for (const q of [username, email, 'hidden.example']) expect(await people(`q=${q}`)).toEqual([])
    for (const parameter of ['email', 'username', 'role'])
      expect((await users.user().get(`/v1/people?${parameter}=x`)).body.code).toBe('unknown_parameter')
  })

  it('has pages of up to 200 people', async () => {
    const { body } = await users.user().get(`/v1/people?q=${surname}&limit=2`)
    expect(body.data).toHaveLength(2)
    expect(body.page).toMatchObject({ total: 4, limit: 2 })
    expect(await people(`q=${surname}&limit=2&cursor=${body.page.nextCursor}`)).toHaveLength(2)
    expect((await users.user().get('/v1/people?limit=201')).status).toBe(400)
  })
})
