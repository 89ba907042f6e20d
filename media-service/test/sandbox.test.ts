import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { testLog } from '@clientele/platform/testing/service'
import { createImageWorker } from '../src/images/image-worker.ts'
import { createSandbox } from '../src/images/sandbox.ts'
import { anImage, formats } from './images.ts'

const sandbox = createSandbox('required', testLog())
const secret = 'postgres://clientele_media:secret-of-the-service@localhost/clientele'

/** Runs a script as the image worker's program runs. @returns what it printed */
const runInside = async (script: string, run = sandbox): Promise<string> => {
  const [command = '', ...args] = run([process.execPath, '-e', script])
  const { stdout } = await promisify(execFile)(command, args, { env: { PATH: process.env['PATH'] }, timeout: 20_000 })
  return stdout.trim()
}
const tries = (expression: string): string =>
  `try { console.log(String(${expression})) } catch (error) { console.log(error.code) }`

describe('The process that decodes images', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'clientele-secrets-'))
    await writeFile(join(folder, 'secret'), secret)
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('sees no process of the service, and no environment but its own', async () => {
    // A parent with a secret in its environment, which the test reads itself to know that it is there.
    const parent = spawn('sleep', ['20'], { env: { ...process.env, DATABASE_URL: secret } })
    await once(parent, 'spawn')
    try {
      expect(readFileSync(`/proc/${parent.pid}/environ`, 'utf8')).toContain(secret)
      expect(await runInside(tries(`fs.readFileSync('/proc/${parent.pid}/environ')`))).toBe('ENOENT')
      const script = `for (const pid of fs.readdirSync('/proc').filter(Number))
        try { console.log(fs.readFileSync('/proc/' + pid + '/environ', 'utf8')) } catch {}`
      expect(await runInside(script)).not.toContain('secret-of-the-service')
      expect(await runInside(script, (command) => [...command])).toContain('secret-of-the-service')
    } finally {
      parent.kill()
    }
  })

  it('can read neither the files of its user nor the settings of the project, and can write nothing that lasts', async () => {
    expect(await runInside(tries(`fs.readFileSync('${folder}/secret')`))).toBe('ENOENT')
    expect(
      await runInside(tries(`fs.readdirSync('${homedir()}').filter((name) => name.startsWith('.')).length`)),
    ).toMatch(/^ENOENT$|^0$/)
    const root = new URL('../..', import.meta.url).pathname
    expect(await runInside(tries(`fs.readdirSync('${root}')`))).not.toMatch(/\.env|\.local|stack/)
    expect(await runInside(tries(`fs.writeFileSync('${root}media-service/x', '')`))).toBe('EROFS')
  })

  it('reaches no network', async () => {
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const script = `net.connect(${port}, '127.0.0.1').on('connect', () => console.log('connected')).on('error', ({ code }) => console.log(code))`
    try {
      expect(await runInside(script)).toBe('ECONNREFUSED')
      expect(await runInside(script, (command) => [...command])).toBe('connected')
    } finally {
      server.close()
    }
  })

  it('has no capabilities', async () => {
    const status = await runInside(`console.log(fs.readFileSync('/proc/self/status', 'utf8'))`)
    expect(status).toMatch(/^CapEff:\t0+$/m)
    expect(status).toMatch(/^CapBnd:\t0+$/m)
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
  })

  it.each(formats)('decodes %s', async (format) => {
    const produce = createImageWorker(sandbox)
    const image = await anImage(format)
    const task = { kind: 'shrink', pixels: 10, bytes: image.length, maxPixels: 1_000_000 } as const
    const discard = async (data: AsyncIterable<Uint8Array>) => {
      for await (const _ of data);
    }
    expect(await produce(task, Readable.from([image]), discard)).toMatchObject({ width: 10, height: 7 })
  })

  it('a crash in the sandbox has the exit code of its signal', async () => {
    const crash = runInside(`process.kill(process.pid, 'SIGSEGV'); setTimeout(() => {}, 5000)`)
    await expect(crash).rejects.toMatchObject({ code: 139 })
  })
})
