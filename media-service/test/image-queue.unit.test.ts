import { createImageQueue } from '../src/images/image-queue.ts'

const alice = { userId: 'alice' }

describe('Image queue', () => {
  it('assertCapacity throws with Retry-After if the expected wait is too long', async () => {
    const queue = createImageQueue({ maxWaiting: 10, waitMs: 1_000 })
    expect(() => queue.assertCapacity(1_000)).not.toThrow()
    for (let n = 0; n < 5; n += 1) await queue.run(() => new Promise((resolve) => setTimeout(resolve, 20)), alice)
    expect(() => queue.assertCapacity(1)).not.toThrow()
    expect(() => queue.assertCapacity(1_000)).toThrow(
      expect.objectContaining({
        code: 'unavailable',
        options: expect.objectContaining({ headers: { 'Retry-After': expect.stringMatching(/^\d+$/) } }),
      }),
    )
  })

  it('run rejects work that has waited too long for its turn', async () => {
    const queue = createImageQueue({ maxWaiting: 10, waitMs: 50 })
    const { promise, resolve } = Promise.withResolvers<void>()
    const first = queue.run(() => promise, alice)
    await expect(queue.run(async () => 'late', alice)).rejects.toMatchObject({ code: 'unavailable' })
    resolve()
    await first
    await expect(queue.run(async () => 'next', alice)).resolves.toBe('next')
  })

  /** Queues works of these users, and returns the users in the order in which their works ran. Each work takes `msOf` its user. */
  const orderOf = async (users: string[], msOf: (user: string) => number, lowPriority: string[] = []) => {
    const queue = createImageQueue({ maxWaiting: 100, waitMs: 60_000 })
    const order: string[] = []
    const { promise: queued, resolve: start } = Promise.withResolvers<void>()
    const first = queue.run(() => queued, { userId: 'first' })
    const works = users.map((userId) =>
      queue.run(
        async () => {
          order.push(userId)
          await new Promise((resolve) => setTimeout(resolve, msOf(userId)))
        },
        { userId, lowPriority: lowPriority.includes(userId) },
      ),
    )
    start()
    await Promise.all([first, ...works])
    return order
  }

  it('an image waits for at most one image of each other user, however many they have', async () => {
    const order = await orderOf(['alice', 'alice', 'alice', 'alice', 'bob', 'carol'], () => 20)
    expect(order.slice(0, 3).toSorted()).toEqual(['alice', 'bob', 'carol'])
    expect(order.slice(3)).toEqual(['alice', 'alice', 'alice'])
  })

  it('a user whose images take long gets fewer turns than one whose images are quick', async () => {
    const order = await orderOf([...Array(3).fill('slow'), ...Array(6).fill('quick')], (user) =>
      user === 'slow' ? 300 : 20,
    )
    expect(order.lastIndexOf('quick')).toBeLessThan(order.lastIndexOf('slow'))
    expect(order.slice(0, 7).filter((user) => user === 'slow')).toHaveLength(1)
  })

  it('work of low priority waits for all other work, whose user it is', async () => {
    const order = await orderOf(['later', 'alice', 'alice', 'bob'], () => 5, ['later'])
    expect(order.at(-1)).toBe('later')
  })
})
