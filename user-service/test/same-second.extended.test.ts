import { attempts, tryOften } from './same-second.ts'
import { startUsers, type UsersService } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

// An access token is valid for 5 minutes, and each round has to be done before.
const rounds = 3
const triesPerRound = 20

it.each(Object.keys(attempts))(
  'sixty times, %s gives a token that works at once and for good, and the old one is refused within 5 s',
  async (name) => {
    for (let round = 0; round < rounds; round += 1) expect(await tryOften(users, [name], triesPerRound)).toEqual([])
  },
  1_800_000,
)
