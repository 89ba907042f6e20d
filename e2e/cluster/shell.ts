import { spawn } from 'node:child_process'
import { projectRoot } from '@clientele/stack/processes/folders'

/** `output` is all that it said, `stdout` what another program may read: warnings come in between. */
export type Said = { code: number; output: string; stdout: string }

/** Runs a program in the project's folder; what it says is kept, and shown when it fails. */
export const attempt = (program: string, args: string[]): Promise<Said> =>
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

/** The same, for what must succeed. @throws Error with what it said */
const succeed = async (program: string, args: string[]): Promise<Said> => {
  const said = await attempt(program, args)
  if (said.code !== 0)
    throw new Error(`${program} ${args.join(' ')} ended with ${said.code}:\n${said.output.slice(-4_000)}`)
  return said
}

/** What a command that must succeed says, warnings included. */
export const sh = async (program: string, args: string[]): Promise<string> => (await succeed(program, args)).output

export const namespace = 'clientele'
export const release = 'clientele'

export const kubectl = async (...args: string[]): Promise<string> =>
  (await succeed('kubectl', ['--namespace', namespace, ...args])).stdout

export const kubectlJson = async <T>(...args: string[]): Promise<T> =>
  JSON.parse(await kubectl(...args, '--output', 'json')) as T

export const helm = (...args: string[]): Promise<Said> => attempt('helm', ['--namespace', namespace, ...args])

/** A helm command that must succeed. */
export const helmOk = (...args: string[]): Promise<string> => sh('helm', ['--namespace', namespace, ...args])

export const helmJson = async <T>(...args: string[]): Promise<T> =>
  JSON.parse((await succeed('helm', ['--namespace', namespace, ...args, '--output', 'json'])).stdout) as T
