import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import sharp from 'sharp'
import { createImageWorker, type ImageHeader } from '../src/images/image-worker.ts'
import { completeJpeg } from '../src/images/jpeg-end.ts'

const fixture = readFileSync(new URL('./fixtures/without-end.jpg', import.meta.url))
const withoutEnd = (jpeg: Buffer): Buffer => jpeg.subarray(0, -2)
const [width, height, channels] = [64, 48, 3] as const
/** A picture that has other pixels for each seed. */
const noise = (seed = 1): Promise<Buffer> => {
  let state = seed
  const pixels = Uint8Array.from({ length: width * height * channels }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  })
  return sharp(pixels, { raw: { width, height, channels } })
    .jpeg({ quality: 90, chromaSubsampling: '4:4:4' })
    .toBuffer()
}
const progressive = async (): Promise<Buffer> =>
  sharp(await noise())
    .jpeg({ progressive: true })
    .toBuffer()

const produce = createImageWorker((command) => [...command])
const sanitise = async (jpeg: Buffer) => {
  const chunks: Uint8Array[] = []
  let header: ImageHeader | undefined
  const task = { kind: 'sanitise', type: 'image/jpeg', bytes: jpeg.length, maxPixels: 1_000_000 } as const
  await produce(task, Readable.from([jpeg]), async (data, received) => {
    header = received
    for await (const chunk of data) chunks.push(chunk)
  })
  return { notes: header?.notes, pixels: await sharp(Buffer.concat(chunks)).raw().toBuffer() }
}

/** The offsets of the start-of-scan markers. */
const scansOf = (jpeg: Buffer): number[] => {
  const found: number[] = []
  for (let at = jpeg.indexOf('ffda', 0, 'hex'); at !== -1; at = jpeg.indexOf('ffda', at + 2, 'hex')) found.push(at)
  return found
}

describe('JPEG files without their end', () => {
  it.each([
    ['of a camera', async () => Buffer.concat([fixture, Buffer.of(0xff, 0xd9)])],
    ['of several scans', progressive],
  ])('a file %s that lacks only the end marker has the same picture, and a note', async (_what, make) => {
    const whole = await make()
    const expected = await sanitise(whole)
    expect(expected.notes).toEqual([])
    const { notes, pixels } = await sanitise(withoutEnd(whole))
    expect(notes).toEqual(['end_missing'])
    expect(pixels.equals(expected.pixels)).toBe(true)
    expect((await sanitise(whole.subarray(0, -1))).notes).toEqual(['end_missing'])
  })

  it('files of one scan are taken, and noted unless the decoder does without the end', async () => {
    const noted: unknown[] = []
    for (let seed = 1; seed <= 20; seed += 1) {
      const whole = await noise(seed)
      const { notes, pixels } = await sanitise(withoutEnd(whole))
      expect(pixels.equals((await sanitise(whole)).pixels)).toBe(true)
      noted.push(...(notes ?? []))
    }
    expect(noted.length).toBeGreaterThan(10)
  }, 60_000)

  it.each([
    ['of one scan', () => noise()],
    ['of several scans', progressive],
  ])(
    'a file %s that lacks more is refused',
    async (_what, make) => {
      const whole = await make()
      const cuts = [
        3,
        4,
        5,
        6,
        8,
        12,
        20,
        50,
        100,
        500,
        1_000,
        2_000,
        whole.length - 700,
        whole.length - 100,
        whole.length - 3,
      ]
      for (const cut of cuts)
        await expect(sanitise(whole.subarray(0, whole.length - cut))).rejects.toMatchObject({ reason: 'undecodable' })
    },
    60_000,
  )

  it('a file that ends between two scans is refused, although a decoder shows a picture without details', async () => {
    const whole = await progressive()
    const [, ...later] = scansOf(whole)
    expect(later.length).toBeGreaterThan(3)
    for (const at of later) {
      expect(completeJpeg(whole.subarray(0, at))).toBeUndefined()
      await expect(sanitise(whole.subarray(0, at))).rejects.toMatchObject({ reason: 'undecodable' })
    }
  }, 60_000)

  it('completeJpeg returns files with an end marker, or nothing, for any bytes', async () => {
    const whole = await progressive()
    const damaged = fc
      .tuple(fc.nat(whole.length), fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 5 }))
      .map(([length, changes]) => {
        const jpeg = Buffer.from(whole)
        for (const [at, byte] of changes) jpeg[at] = byte
        return jpeg.subarray(0, length)
      })
    const bytes = fc.uint8Array({ maxLength: 300 }).map((each) => Buffer.from(each))
    const markers = bytes.map((each) =>
      Buffer.concat([Buffer.of(0xff, 0xd8), each.map((byte, at) => (at % 2 ? byte : 0xff))]),
    )
    fc.assert(
      fc.property(fc.oneof(damaged, bytes, markers), (jpeg) => {
        const { completed, extended } = completeJpeg(jpeg) ?? {}
        if (!completed || !extended) return
        expect(`${jpeg.toString('hex')}ffd9`).toMatch(
          new RegExp(`^${completed.toString('hex').slice(0, -4)}(?:ff)?ffd9$`),
        )
        expect([extended.at(-2), extended.at(-1), extended.length > completed.length]).toEqual([0xff, 0xd9, true])
      }),
      { numRuns: 2_000 },
    )
  })
})
