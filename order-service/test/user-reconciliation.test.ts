import { eventually } from '@clientele/platform/testing/wait'
import { startUsers, type UsersService, unique } from '../../user-service/test/users-service.ts'
import { aProduct, type Running, startOrders } from './start.ts'

let users: UsersService
let service: Running | undefined
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(async () => {
  await service?.stop()
  await users?.end()
}, 60_000)

const createUser = async (surname: string): Promise<string> => {
  const username = unique('ana')
  const input = { username, email: `${username}@example.com`, name: 'Ana', surname }
  return (await users.admin().post('/v1/users', input)).body.id
}

it('order-service learns from user-service who was renamed, disabled or deleted before it knew users', async () => {
  const [renamed, deleted, disabled] = [await createUser('Old'), await createUser('Gone'), await createUser('Off')]
  await users.admin().patch(`/v1/users/${renamed}`, { surname: 'New' })
  await users.admin().patch(`/v1/users/${disabled}`, { enabled: false })
  expect((await users.admin().delete(`/v1/users/${deleted}`)).status).toBe(204)

  // Without an address of user-service, as if the projection did not exist yet.
  service = await startOrders()
  const { db, user } = service
  const createProduct = async (creator: string, name: string): Promise<string> => {
    const { body } = await user.post('/v1/products', aProduct())
    const values = [body.id, creator, name]
    await db.query('update products set created_by = $2, created_by_name = $3 where id = $1', values)
    return body.id
  }
  const [ofRenamed, ofDeleted] = [await createProduct(renamed, 'Ana Old'), await createProduct(deleted, 'Ana Gone')]
  // Due tomorrow, so that no worker runs it before the users are known.
  const addJob = `insert into jobs (id, kind, owner_id, owner_name, run_at)
    values (gen_random_uuid(), 'product-export', $1, '', now() + interval '1 day') returning id`
  const [job] = await db.query<{ id: string }>(addJob, [disabled])

  const replica = await service.startReplica({ userServiceInternalUrl: users.internalUrl() })
  try {
    const creatorOf = async (id: string) => (await user.get(`/v1/products/${id}`)).body.createdBy.displayName
    await eventually(
      async () => expect([await creatorOf(ofRenamed), await creatorOf(ofDeleted)]).toEqual(['Ana New', 'deleted user']),
      { timeoutMs: 20_000 },
    )
    await eventually(async () => {
      const [row] = await db.query('select created_by_name as name from products where id = $1', [ofDeleted])
      expect(row).toEqual({ name: 'deleted user' })
    })
    await eventually(async () => {
      const { body } = (await service?.admin.get(`/v1/order-jobs/${job?.id}`)) ?? {}
      expect([body.status, body.error?.code]).toEqual(['cancelled', 'owner_lost_access'])
    })
  } finally {
    await replica.stop()
  }
}, 90_000)

it('GET /users on the internal port returns the users in pages, and 400 for a wrong limit', async () => {
  const ids: string[] = []
  for (let after = ''; ; after = ids.at(-1) ?? '') {
    const { status, body } = await users.internal().get(`/users?limit=2&after=${after}`)
    expect(status).toBe(200)
    ids.push(...body.data.map(({ id }: { id: string }) => id))
    if (body.data.length < 2) break
  }
  const [all] = await users.db.query<{ ids: string[] }>('select array_agg(id order by id) as ids from users')
  expect(ids).toEqual(all?.ids)
  expect((await users.internal().get('/users?limit=1001')).status).toBe(400)
})
