import { join } from 'node:path'
import { pythonTools } from '@clientele/stack/tools/python'
import { type Contract, startContract } from './journey.ts'
import { runOpenApiGenerator, runProgram } from './tools/tools.ts'

const requirements = join(import.meta.dirname, 'tools', 'requirements.txt')

let contract: Contract
let python: string
beforeAll(async () => {
  python = await pythonTools(requirements)
  contract = await startContract()
}, 600_000)
afterAll(() => contract?.stop(), 60_000)

const runPython = async (name: string, cwd: string): Promise<void> =>
  void (await runProgram(join(python, 'python'), ['journey.py', ...(await contract.argumentsOf(name))], cwd))

// Models of forms, which Java needs, but no documents and tests.
const properties =
  'skipFormModel=false,apis,models,supportingFiles,apiDocs=false,modelDocs=false,apiTests=false,modelTests=false'

describe('Generated clients of other languages', () => {
  it('a client of openapi-python-client signs in, pages, uploads and handles problems', async () => {
    const cwd = contract.prepare('openapi-python-client', { 'openapi-python-client.py': 'journey.py' })
    const generate = ['generate', '--path', contract.openapi, '--output-path', 'api', '--meta', 'none']
    // It says which bodies it leaves out: images and tables that are no forms.
    await runProgram(join(python, 'openapi-python-client'), generate, cwd)
    await runPython('opc', cwd)
  }, 120_000)

  it('a client of openapi-generator (python) signs in, pages, uploads and handles problems', async () => {
    const cwd = contract.prepare('python', { 'python.py': 'journey.py' })
    const generate = ['-g', 'python', '-i', contract.openapi, '-o', '.', '--global-property', properties]
    await runOpenApiGenerator(generate, cwd)
    await runPython('python', cwd)
  }, 120_000)

  it('a client of openapi-generator (java) compiles, and signs in, pages, uploads and handles problems', async () => {
    const cwd = contract.prepare('java', { 'Journey.java': 'Journey.java' })
    await runOpenApiGenerator(
      [
        ...['-g', 'java', '--library', 'native', '-i', contract.openapi, '-o', '.'],
        ...['--global-property', properties],
        // With an object for the parameters of a list, instead of seventy arguments.
        ...['--additional-properties', 'useSingleRequestParameter=true,openApiNullable=false'],
      ],
      cwd,
    )
    const classes = join('target', 'classes')
    await runProgram('mvn', ['-B', '-q', 'compile', 'dependency:copy-dependencies', '-DincludeScope=compile'], cwd)
    const classpath = [classes, join('target', 'dependency', '*')].join(':')
    await runProgram('javac', ['-cp', classpath, '-d', classes, 'Journey.java'], cwd)
    await runProgram('java', ['-cp', classpath, 'Journey', ...(await contract.argumentsOf('java'))], cwd)
  }, 240_000)
})
