import { randomUUID } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { client } from '@clientele/platform/testing/client'
import { createSignedInUser } from '@clientele/platform/testing/tokens'
import { createPng } from '../png-image.ts'
import { type System, startSystem } from '../system.ts'
import { installTools, runOpenApiGenerator, runProgram, runTool } from './tools/tools.ts'

const configs = join(import.meta.dirname, 'tools')
const folder = mkdtempSync(join(tmpdir(), 'clientele-contract-'))

let system: System
beforeAll(async () => {
  const tools = await installTools()
  symlinkSync(join(tools, 'node_modules'), join(folder, 'node_modules'))
  system = await startSystem()
  for (const name of ['openapi.json', 'asyncapi.json']) {
    const { body } = await client(system.gateway).get(`/${name}`)
    writeFileSync(join(folder, name), JSON.stringify(body))
  }
}, 600_000)
afterAll(async () => {
  await system?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

const compilerOptions = {
  strict: true,
  module: 'commonjs',
  moduleResolution: 'node10',
  target: 'es2022',
  lib: ['es2022', 'dom', 'dom.iterable'],
  skipLibCheck: true,
  types: ['node'],
  outDir: 'out',
}

/** Generates a client, compiles it with its journey, and runs the journey against the system as a new user. */
const runJourney = async (name: string, generate: (cwd: string) => Promise<unknown>): Promise<void> => {
  const cwd = join(folder, name)
  mkdirSync(cwd)
  await generate(cwd)
  cpSync(join(import.meta.dirname, 'journeys', `${name}.ts.txt`), join(cwd, 'journey.ts'))
  writeFileSync(join(cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['.'] }))
  await runTool('typescript/bin/tsc', ['-p', '.'], cwd)
  const user = await createSignedInUser(['user'])
  writeFileSync(join(cwd, 'photo.png'), createPng(64, 48))
  const record = `${name}-${randomUUID().slice(0, 8)}`
  await runProgram(join(cwd, 'out', 'journey.js'), [system.gateway, user.username, user.password, record], cwd)
}

describe('Linters of the documents', () => {
  it('Spectral finds nothing that its configuration does not explain', async () => {
    const args = ['lint', 'openapi.json', 'asyncapi.json', '--ruleset', join(configs, 'spectral.yaml')]
    await runTool('@stoplight/spectral-cli/dist/index.js', [...args, '--fail-severity', 'hint'], folder)
  }, 120_000)

  it('Redocly finds nothing that its configuration does not explain', async () => {
    const args = ['lint', 'openapi.json', '--config', join(configs, 'redocly.yaml'), '--format', 'json']
    const output = await runTool('@redocly/cli/bin/cli.js', args, folder)
    expect(JSON.parse(output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1)).problems).toEqual([])
  }, 120_000)
})

describe('Generated clients', () => {
  it(
    'a client of openapi-typescript and openapi-fetch compiles, and signs in, pages, uploads and handles problems',
    () =>
      runJourney('openapi-fetch', (cwd) =>
        runTool('openapi-typescript/bin/cli.js', [join(folder, 'openapi.json'), '-o', 'api.d.ts'], cwd),
      ),
    120_000,
  )

  it(
    'a client of hey-api compiles, and signs in, pages, uploads and handles problems',
    () =>
      runJourney('hey-api', (cwd) =>
        runTool(
          '@hey-api/openapi-ts/bin/run.js',
          [
            '-i',
            join(folder, 'openapi.json'),
            '-o',
            'api',
            '-p',
            '@hey-api/client-fetch',
            '@hey-api/sdk',
            '@hey-api/typescript',
          ],
          cwd,
        ),
      ),
    120_000,
  )

  it(
    'a client of openapi-generator (typescript-fetch) compiles, and signs in, pages, uploads and handles problems',
    () =>
      runJourney('typescript-fetch', (cwd) =>
        runOpenApiGenerator(
          [
            '-g',
            'typescript-fetch',
            '-i',
            join(folder, 'openapi.json'),
            '-o',
            'api',
            '--global-property',
            'skipFormModel=false',
          ],
          cwd,
        ),
      ),
    300_000,
  )
})
