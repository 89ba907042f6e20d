import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { anImage, formats, largeJpeg, phonePhoto, pixelBomb } from '../../media-service/test/images.ts'
import { bytesOf, form } from '../../media-service/test/media-setup.ts'
import { type HostileSystem, startHostileSystem } from './hostile-system.ts'
import { withPngChunk } from './png-chunk.ts'
import { isAlive, measureLatency, residentMegabytes } from './process-probes.ts'

const maxMegabytes = 400
let system: HostileSystem
let user: ReturnType<HostileSystem['as']>
let authorization = ''
let peakMegabytes = 0
let measuring: NodeJS.Timeout
beforeAll(async () => {
  system = await startHostileSystem()
  const { token } = await system.signInNewUser('user')
  authorization = `Bearer ${token}`
  user = system.as(token)
  measuring = setInterval(() => {
    peakMegabytes = Math.max(peakMegabytes, residentMegabytes(system.pid('media-service')))
  }, 25)
}, 120_000)
afterAll(async () => {
  clearInterval(measuring)
  await system?.close()
}, 60_000)

const script = '<script>alert("needle")</script>'
const php = '<?php system($_GET["needle"]); ?>'
const join = (...parts: (Buffer | string)[]) => Buffer.concat(parts.map((part) => Buffer.from(part as string)))

/** Every variant of an image, as an `<img>` loads it. */
const loadVariants = async (id: string, url: string) => {
  const variant = (name: string) =>
    bytesOf(`${system.gateway}/v1/media/${id}/content?variant=${name}`, { authorization })
  return [await bytesOf(url), await variant('original'), await variant('thumb'), await variant('medium')]
}
const expectClean = async (id: string, url: string, needles: string[]) => {
  for (const { status, headers, bytes } of await loadVariants(id, url)) {
    expect(status).toBe(200)
    expect(headers.get('content-type')).toMatch(/^image\/(?:jpeg|png|webp)$/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toMatch(/sandbox/)
    expect(headers.get('content-disposition')).toMatch(/^inline; filename="[\w-]+\.(?:jpeg|png|webp)"$/)
    for (const needle of needles) expect(bytes.includes(needle)).toBe(false)
  }
}

describe('Polyglot files', () => {
  const polyglots: Record<string, () => Promise<Buffer>> = {
    'a JPEG with HTML appended': async () => join(await anImage('jpeg'), `<html>needle${script}`),
    'a PNG with HTML in a text chunk': async () =>
      withPngChunk(await anImage('png'), 'tEXt', join('Comment\0', script)),
    'a PNG with PHP in an unknown chunk': async () => withPngChunk(await anImage('png'), 'neEd', join(php)),
    'a PNG with an archive appended': async () => join(await anImage('png'), 'PK\x03\x04needle.jar', Buffer.alloc(500)),
    'a JPEG with a script in its comment': async () => {
      const jpeg = await anImage('jpeg')
      const comment = Buffer.alloc(4)
      comment.writeUInt16BE(0xfffe, 0)
      comment.writeUInt16BE(script.length + 2, 2)
      return join(jpeg.subarray(0, 2), comment, script, jpeg.subarray(2))
    },
    'a GIF that is also JavaScript': async () => join(await anImage('gif'), '*/=1;alert("needle")//'),
    'a WebP with PHP appended': async () => join(await anImage('webp'), php),
  }
  it.each(Object.entries(polyglots))('only the image of %s is stored', async (_name, make) => {
    const sent = await make()
    expect(sent.includes('needle')).toBe(true)
    const { status, body } = await user.post('/v1/media', form(sent, { fileName: 'a.html', type: 'text/html' }))
    expect(status).toBe(201)
    await expectClean(body.id, body.url, ['needle', 'alert', '<?php', 'PK\x03\x04'])
  })

  it('EXIF data with a script, a name and a position is removed', async () => {
    const photo = await sharp(await phonePhoto())
      .keepExif()
      .withExif({
        IFD0: { ImageDescription: script, Artist: 'Ana needle' },
        IFD3: { GPSLatitudeRef: 'S', GPSLatitude: '1/1 17/1 0/1' },
      })
      .jpeg()
      .toBuffer()
    expect([photo.includes('needle'), photo.includes('Exif')]).toEqual([true, true])
    const { status, body } = await user.post('/v1/media', form(photo))
    expect(status).toBe(201)
    await expectClean(body.id, body.url, ['needle', 'Exif', 'GPS', 'Ana'])
  })
})

describe('Files that are not images', () => {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">${script}</svg>`
  const files: Record<string, Buffer | string> = {
    SVG: svg,
    'SVG after an XML declaration': `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>${svg}`,
    'SVG after spaces': `${' '.repeat(5_000)}${svg}`,
    HTML: `<!doctype html>${script}`,
    'HTML after the first bytes of a JPEG': join(Buffer.from([0xff, 0xd8, 0xff, 0xe0]), `<html>${script}`),
    'MVG of ImageMagick': 'push graphic-context\nimage over 0,0 0,0 "https://127.0.0.1/x"\npop graphic-context',
    PostScript: '%!PS-Adobe-3.0\n(/etc/passwd) (r) file',
    XML: '<?xml version="1.0"?><x/>',
    gzip: deflateSync(Buffer.alloc(1_000_000)),
  }
  const uploads: Record<string, (file: Buffer, type: string) => Promise<{ status: number }>> = {
    'POST /v1/media': (file, type) => user.post('/v1/media', form(file, { fileName: 'photo.png', type })),
    'POST /v1/customers': (file, type) => {
      const data = form(file, { name: 'photo', fileName: 'photo.png', type })
      data.append('name', 'Ana')
      data.append('surname', 'Upload')
      return user.post('/v1/customers', data)
    },
    'PUT /v1/customers/{key}/photo': async (file, type) => {
      const { body } = await user.post('/v1/customers', { name: 'Ana', surname: 'Photo' })
      return user.put(`/v1/customers/${body.id}/photo`, new Uint8Array(file), { 'content-type': type })
    },
  }
  it.each(Object.entries(files))('%s is refused by every route that accepts images', async (_name, file) => {
    for (const [route, upload] of Object.entries(uploads))
      for (const type of ['image/png', 'image/svg+xml']) {
        const { status } = await upload(Buffer.from(file), type)
        expect({ route, type, refused: [415, 422].includes(status) }).toEqual({ route, type, refused: true })
      }
  })

  it.each(formats)('a truncated %s is refused or stored as a complete image', async (format) => {
    const whole = format === 'jpeg' ? await largeJpeg(300, 300) : await anImage(format, 300, 200)
    for (const part of [0.1, 0.5, 0.9]) {
      const { status, body } = await user.post('/v1/media', form(whole.subarray(0, Math.floor(whole.length * part))))
      expect([201, 415, 422]).toContain(status)
      if (status === 201) await expectClean(body.id, body.url, [])
    }
  })

  it.each([
    ['a path', '../../../../etc/passwd'],
    ['a line break', 'a.png"\r\nX-Injected: 1\r\n\r\n'],
    ['NUL', 'a.php\0.png'],
    ['10 kB', 'n'.repeat(10_000)],
    ['HTML', `${script}.png`],
  ])('a file name with %s is not stored', async (_name, fileName) => {
    const { status, body } = await user.post('/v1/media', form(await anImage('png'), { fileName }))
    expect([201, 400, 422]).toContain(status)
    if (status !== 201) return
    expect(JSON.stringify(body)).not.toMatch(/passwd|Injected|nnnn|script|php/)
    await expectClean(body.id, body.url, [])
  })
})

describe('Decompression bombs and oversized forms', () => {
  const bombs: Record<string, () => Promise<Buffer> | Buffer> = {
    'a PNG of 31 kB with 256 megapixels': pixelBomb,
    'a PNG with 200 MB of text in 200 kB': async () =>
      withPngChunk(await anImage('png'), 'zTXt', join('Comment\0\0', deflateSync(Buffer.alloc(200_000_000)))),
    'a PNG with a colour profile of 200 MB': async () =>
      withPngChunk(await anImage('png'), 'iCCP', join('icc\0\0', deflateSync(Buffer.alloc(200_000_000)))),
    'a PNG of 2 gigapixels by its header': () => {
      const bomb = pixelBomb()
      bomb.writeUInt32BE(2_147_483_647, 16)
      return bomb
    },
    'a GIF of 4 gigapixels by its header': async () => {
      const gif = await anImage('gif')
      gif.writeUInt16LE(65_535, 6)
      gif.writeUInt16LE(65_535, 8)
      return gif
    },
  }
  it.each(Object.entries(bombs))(
    'ten uploads of %s at the same time get responses, other requests are served, and memory stays below 400 MB',
    async (_name, make) => {
      const bomb = await make()
      expect(bomb.length).toBeLessThan(300_000)
      const latency = measureLatency(`${system.url('media-service:internal')}/health/live`)
      const answers = await Promise.all(Array.from({ length: 10 }, () => user.post('/v1/media', form(bomb))))
      for (const { status, body } of answers) {
        expect([201, 415, 422]).toContain(status)
        if (status === 201) await expectClean(body.id, body.url, [])
      }
      expect((await latency.stop()).maxMs).toBeLessThan(3_000)
      expect(isAlive(system.pid('media-service'))).toBe(true)
      expect(peakMegabytes).toBeGreaterThan(0)
      expect(peakMegabytes).toBeLessThan(maxMegabytes)
    },
    60_000,
  )

  it('forms with ten thousand parts, with headers of 2 MB, without an end, or empty are refused', async () => {
    const part = '--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n'
    const type = { 'content-type': 'multipart/form-data; boundary=b' }
    const forms = {
      parts: `${part.repeat(10_000)}--b--\r\n`,
      headers: `--b\r\nX: ${'a'.repeat(2_000_000)}\r\n\r\n--b--\r\n`,
      endless: '--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\nabc',
      nothing: '',
    }
    for (const [kind, text] of Object.entries(forms))
      for (const path of ['/v1/media', '/v1/customers']) {
        const { status } = await user.post(path, text, type)
        expect({ kind, path, refused: [400, 413, 415, 422].includes(status) }).toEqual({ kind, path, refused: true })
      }
  })
})

it('logs and error responses contain no secrets', () => {
  const { logLines, errorResponses, ...found } = system.findLeaks()
  expect(logLines).toBeGreaterThan(100)
  expect(errorResponses).toBeGreaterThan(50)
  expect(found).toEqual({ inLogs: [], inErrorResponses: [] })
})
