import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Contract, startContract } from './journey.ts'
import { installTools, runNode, runOpenApiGenerator, runTool } from './tools/tools.ts'

const configs = join(import.meta.dirname, 'tools')

let contract: Contract
beforeAll(async () => {
  const tools = await installTools()
  contract = await startContract()
  symlinkSync(join(tools, 'node_modules'), join(contract.folder, 'node_modules'))
}, 600_000)
afterAll(() => contract?.stop(), 60_000)

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
const runJourney = async (
  name: string,
  generate: (cwd: string) => Promise<unknown>,
  files: Record<string, string> = {},
): Promise<void> => {
  const cwd = contract.prepare(name, { [`${name}.ts.txt`]: 'journey.ts', ...files })
  await generate(cwd)
  writeFileSync(join(cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['.'] }))
  await runTool('typescript/bin/tsc', ['-p', '.'], cwd)
  await runNode(join(cwd, 'out', 'journey.js'), await contract.argumentsOf(name), cwd)
}

describe('Linters of the documents', () => {
  it('Spectral finds nothing that its configuration does not explain', async () => {
    const args = ['lint', 'openapi.json', 'asyncapi.json', '--ruleset', join(configs, 'spectral.yaml')]
    await runTool('@stoplight/spectral-cli/dist/index.js', [...args, '--fail-severity', 'hint'], contract.folder)
  }, 120_000)

  it('Redocly finds nothing that its configuration does not explain', async () => {
    const args = ['lint', 'openapi.json', '--config', join(configs, 'redocly.yaml'), '--format', 'json']
    const output = await runTool('@redocly/cli/bin/cli.js', args, contract.folder)
    expect(JSON.parse(output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1)).problems).toEqual([])
  }, 120_000)
})

describe('Generated clients', () => {
  it(
    'a client of openapi-typescript and openapi-fetch compiles, and signs in, pages, uploads and handles problems',
    () =>
      runJourney('openapi-fetch', (cwd) =>
        runTool('openapi-typescript/bin/cli.js', [contract.openapi, '-o', 'api.d.ts'], cwd),
      ),
    120_000,
  )

  it(
    'a client of hey-api compiles, and signs in, pages, uploads and handles problems',
    () =>
      runJourney('hey-api', (cwd) =>
        runTool(
          '@hey-api/openapi-ts/bin/run.js',
          ['-i', contract.openapi, '-o', 'api', '-p', '@hey-api/client-fetch', '@hey-api/sdk', '@hey-api/typescript'],
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
          ['-g', 'typescript-fetch', '-i', contract.openapi, '-o', 'api', '--global-property', 'skipFormModel=false'],
          cwd,
        ),
      ),
    300_000,
  )

  it(
    'a client of orval compiles, and signs in, pages, uploads and handles problems',
    () =>
      runJourney('orval', (cwd) => runTool('orval/dist/bin/orval.mjs', ['--config', 'orval.config.mjs'], cwd), {
        'orval-fetch.ts.txt': 'fetch.ts',
        'orval.config.mjs': 'orval.config.mjs',
      }),
    120_000,
  )
})
