import { spawn } from 'node:child_process'
import { projectRoot } from '@clientele/stack/processes/folders'

/** `output` is stdout and stderr in their order. Parse `stdout` only: stderr may contain warnings. */
export type CommandResult = { code: number; output: string; stdout: string }

/** Runs a program in the project's folder. Resolves whatever its exit code. */
export const run = (program: string, args: string[]): Promise<CommandResult> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: projectRoot, timeout: 900_000, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let stdout = ''
    child.stdout.on('data', (data: Buffer) => {
      output += data
      stdout += data
    })
    child.stderr.on('data', (data: Buffer) => {
      output += data
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, output: output.trim(), stdout: stdout.trim() }))
  })

/** As `run`. @throws Error with the output if the exit code is not 0 */
const runOk = async (program: string, args: string[]): Promise<CommandResult> => {
  const result = await run(program, args)
  if (result.code !== 0)
    throw new Error(`${program} ${args.join(' ')} exited with ${result.code}:\n${result.output.slice(-4_000)}`)
  return result
}

/** As `runOk`. @returns the output, with warnings */
export const sh = async (program: string, args: string[]): Promise<string> => (await runOk(program, args)).output

export const namespace = 'clientele'
export const release = 'clientele'

export const kubectl = async (...args: string[]): Promise<string> =>
  (await runOk('kubectl', ['--namespace', namespace, ...args])).stdout

export const kubectlJson = async <T>(...args: string[]): Promise<T> =>
  JSON.parse(await kubectl(...args, '--output', 'json')) as T

export const helm = (...args: string[]): Promise<CommandResult> => run('helm', ['--namespace', namespace, ...args])

/** As `helm`. @returns the output. @throws Error with the output if it fails */
export const helmOk = (...args: string[]): Promise<string> => sh('helm', ['--namespace', namespace, ...args])

export const helmJson = async <T>(...args: string[]): Promise<T> =>
  JSON.parse((await runOk('helm', ['--namespace', namespace, ...args, '--output', 'json'])).stdout) as T
