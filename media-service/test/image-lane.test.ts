import { createImageLane } from '../src/images/image-lane.ts'

describe('the lane of images', () => {
  it('refuses with a time to come back what would wait too long by how long images take', async () => {
    const lane = createImageLane({ maxWaiting: 10, waitMs: 1_000 })
    expect(() => lane.check(1_000)).not.toThrow()
    for (let n = 0; n < 5; n += 1) await lane.run(() => new Promise((resolve) => setTimeout(resolve, 20)))
    expect(() => lane.check(1)).not.toThrow()
    expect(() => lane.check(1_000)).toThrow(
      expect.objectContaining({
        code: 'unavailable',
        options: expect.objectContaining({ headers: { 'Retry-After': expect.stringMatching(/^\d+$/) } }),
      }),
    )
  })

  it('refuses what waited too long for its turn', async () => {
    const lane = createImageLane({ maxWaiting: 10, waitMs: 50 })
    const { promise, resolve } = Promise.withResolvers<void>()
    const first = lane.run(() => promise)
    await expect(lane.run(async () => 'late')).rejects.toMatchObject({ code: 'unavailable' })
    resolve()
    await first
    await expect(lane.run(async () => 'next')).resolves.toBe('next')
  })
})
