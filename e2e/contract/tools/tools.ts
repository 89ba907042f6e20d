import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withFolderLock } from '@clientele/stack/processes/folder-lock'
import { cacheFolder } from '@clientele/stack/processes/folders'
import { javaCommand } from '@clientele/stack/tools/java'

const source = import.meta.dirname
const files = ['package.json', 'package-lock.json']

type Run = { code: number; output: string }

const run = (file: string, args: string[], cwd: string): Promise<Run> =>
  new Promise((resolve) => {
    execFile(file, args, { cwd, timeout: 300_000, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : 1) : 0
      resolve({ code, output: `${stdout}\n${stderr}${error && code === 1 ? `\n${error.message}` : ''}` })
    })
  })

/**
 * Installs linters and generators into the cache, unless they are there. They are no dependencies of the repository, because
 * generators need another version of TypeScript.
 * @returns the folder with their `node_modules`
 */
export const installTools = async (): Promise<string> => {
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(join(source, file)))
  const folder = join(cacheFolder(), `contract-tools-${hash.digest('hex').slice(0, 12)}`)
  const marker = join(folder, 'complete')
  if (existsSync(marker)) return folder
  mkdirSync(cacheFolder(), { recursive: true })
  return withFolderLock(`${folder}.lock`, async () => {
    if (existsSync(marker)) return folder
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder)
    for (const file of files) cpSync(join(source, file), join(folder, file))
    const { code, output } = await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], folder)
    if (code !== 0) throw new Error(`npm ci of the contract's tools failed: ${output}`)
    writeFileSync(marker, '')
    return folder
  })
}

/** Runs a program of the tools with the Node.js of the test. @throws Error with its output if it fails */
export const runTool = async (program: string, args: string[], cwd: string): Promise<string> => {
  const { code, output } = await run(
    process.execPath,
    [join(await installTools(), 'node_modules', program), ...args],
    cwd,
  )
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} failed with ${code}: ${output.slice(-5_000)}`)
  return output
}

const generatorVersion = '7.25.0'

/** Runs openapi-generator, which Maven downloads once into the cache. @throws Error with its output if it fails */
export const runOpenApiGenerator = async (args: string[], cwd: string): Promise<void> => {
  const folder = join(cacheFolder(), `openapi-generator-${generatorVersion}`)
  const jar = join(folder, `openapi-generator-cli-${generatorVersion}.jar`)
  if (!existsSync(jar))
    await withFolderLock(`${folder}.lock`, async () => {
      if (existsSync(jar)) return
      mkdirSync(folder, { recursive: true })
      const { code, output } = await run(
        'mvn',
        [
          '-B',
          '-q',
          'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy',
          `-Dartifact=org.openapitools:openapi-generator-cli:${generatorVersion}`,
          `-DoutputDirectory=${folder}`,
          `-Dproject.basedir=${folder}`,
        ],
        cacheFolder(),
      )
      if (code !== 0) throw new Error(`openapi-generator could not be downloaded: ${output}`)
    })
  const { code, output } = await run(javaCommand(), ['-jar', jar, 'generate', ...args], cwd)
  if (code !== 0) throw new Error(`openapi-generator failed with ${code}: ${output.slice(-5_000)}`)
}

/** Runs a program. @throws Error with its output if it fails */
export const runProgram = async (file: string, args: string[], cwd: string): Promise<string> => {
  const { code, output } = await run(file, args, cwd)
  if (code !== 0) throw new Error(`${file} failed with ${code}: ${output.slice(-5_000)}`)
  return output
}

/** Runs a program that a test has compiled, with the Node.js of the test. @throws Error with its output if it fails */
export const runNode = (file: string, args: string[], cwd: string): Promise<string> =>
  runProgram(process.execPath, [file, ...args], cwd)
