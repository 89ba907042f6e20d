import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createClient } from '@clientele/client'
import { testEnv } from '@clientele/platform/testing/database'
import { realmAdmin } from '@clientele/platform/testing/realm'
import { createSignedInUser, type SignedInUser } from '@clientele/platform/testing/tokens'
import { projectRoot } from '@clientele/stack/processes/folders'
import { createPng } from '../png-image.ts'
import { type System, startSystem } from '../system.ts'
import { codeBlocks } from './code-blocks.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'clientele-client-'))
const realm = realmAdmin()

let system: System
let user: SignedInUser
let secret = ''
beforeAll(async () => {
  system = await startSystem()
  user = await createSignedInUser(['user'])
  await removeTill()
  const command = [join(projectRoot, 'stack', 'src', 'machine-account.ts'), '--name', 'till']
  const env = {
    ...process.env,
    CLIENTELE_HOME: folder,
    CLIENTELE_KEYCLOAK_URL: testEnv('TEST_KEYCLOAK_URL'),
    CLIENTELE_KEYCLOAK_ADMIN_USER: testEnv('TEST_KEYCLOAK_ADMIN_USER'),
    CLIENTELE_KEYCLOAK_ADMIN_PASSWORD: testEnv('TEST_KEYCLOAK_ADMIN_PASSWORD'),
  }
  const { stdout } = await run(process.execPath, command, { env })
  secret = /^client secret {2}(\S+)$/m.exec(stdout)?.[1] ?? ''
}, 120_000)
afterAll(async () => {
  await removeTill()
  await system?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

const removeTill = async (): Promise<void> => {
  const { body } = await realm.call<{ id: string }[]>('GET', '/clients?clientId=till')
  for (const { id } of body) await realm.call('DELETE', `/clients/${id}`)
}

const compilers = {
  'the newest TypeScript': join(projectRoot, 'node_modules', 'typescript', 'bin', 'tsc'),
  'TypeScript 5': join(projectRoot, 'client', 'node_modules', 'typescript', 'bin', 'tsc'),
}
const compilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  target: 'es2022',
  module: 'nodenext',
  lib: ['es2022', 'dom', 'dom.iterable'],
  types: ['node'],
  typeRoots: [join(projectRoot, 'node_modules', '@types')],
  outDir: 'out',
}

describe('The package @clientele/client', () => {
  beforeAll(async () => {
    await run('npm', ['run', 'pack:client', '--', '--pack-destination', folder], { cwd: projectRoot })
    const [tarball = ''] = readdirSync(folder).filter((file) => file.endsWith('.tgz'))
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }))
    await run('npm', ['install', '--no-audit', '--no-fund', '--offline', `./${tarball}`], { cwd: folder })
    const code = codeBlocks('client/README.md', 'ts')
      .join('\n')
      .replaceAll('http://localhost:8000', system.gateway)
      .replace(`username: 'user', password: '12345'`, `username: '${user.username}', password: '${user.password}'`)
    writeFileSync(join(folder, 'readme.ts'), code)
    writeFileSync(join(folder, 'photo.png'), createPng(64, 48))
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['readme.ts'] }))
  }, 120_000)

  it.each(Object.entries(compilers))(
    'installed from its file, it compiles the examples of its README with %s, types of libraries included',
    async (_name, compiler) => {
      await run(process.execPath, [compiler, '-p', '.'], { cwd: folder })
    },
    60_000,
  )

  it('the examples of its README run against the real system', async () => {
    const env = { ...process.env, SECRET: secret }
    const { stdout } = await run(process.execPath, [join('out', 'readme.js')], { cwd: folder, env, timeout: 120_000 })
    const lines = stdout.trim().split('\n')
    expect(lines).toEqual([
      `signed in as Test ${user.username.slice(5)}`,
      'the till sees 0 customers',
      '0 of 0',
      'Lovelace 2',
      expect.stringMatching(/^http.*variant=thumb/),
      expect.stringMatching(/^ORD-\d+ 1\.50 [A-Z]{3}$/),
      'succeeded 3',
      expect.stringMatching(/^\/name /),
      '2 sessions',
    ])
  }, 150_000)
})

describe('Forms of the client', () => {
  it('a form that is sent again with its idempotency key counts once', async () => {
    const clientele = createClient({ baseUrl: system.gateway, getToken: () => user.token })
    const photo = new Blob([createPng(32, 32)], { type: 'image/png' })
    const rows = new Blob(['name,surname\nGrace,Hopper\n'], { type: 'text/csv' })
    const send = async () => [
      (await clientele.media.upload({ file: photo }, { idempotencyKey: 'media' })).id,
      (await clientele.customers.create({ name: 'Mary', surname: 'Kom', photo }, { idempotencyKey: 'customer' })).id,
      (await clientele.imports.create({ file: rows, name: 'rows.csv' }, { idempotencyKey: 'import' })).id,
    ]
    expect(await send()).toEqual(await send())
  }, 60_000)
})
