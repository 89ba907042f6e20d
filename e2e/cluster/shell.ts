import { spawn } from 'node:child_process'
import { projectRoot } from '@clientele/stack/folders'

export type Said = { code: number; output: string }

/** Runs a program in the project's folder; what it says is kept, and shown when it fails. */
export const attempt = (
  program: string,
  args: string[],
  { input, timeoutMs = 900_000 }: { input?: string; timeoutMs?: number } = {},
): Promise<Said> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: projectRoot, timeout: timeoutMs, stdio: ['pipe', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (data: Buffer) => {
      output += data
    })
    child.stderr.on('data', (data: Buffer) => {
      output += data
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, output: output.trim() }))
    child.stdin.end(input)
  })

/** The same, for what must succeed. @throws Error with what it said */
export const sh = async (program: string, args: string[], options?: Parameters<typeof attempt>[2]): Promise<string> => {
  const { code, output } = await attempt(program, args, options)
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output.slice(-4_000)}`)
  return output
}

export const namespace = 'clientele'
export const release = 'clientele'

export const kubectl = (...args: string[]): Promise<string> => sh('kubectl', ['--namespace', namespace, ...args])

export const kubectlJson = async <T>(...args: string[]): Promise<T> =>
  JSON.parse(await kubectl(...args, '--output', 'json')) as T

export const helm = (...args: string[]): Promise<Said> => attempt('helm', ['--namespace', namespace, ...args])

/** A helm command that must succeed. */
export const helmOk = async (...args: string[]): Promise<string> => {
  const { code, output } = await helm(...args)
  if (code !== 0) throw new Error(`helm ${args.join(' ')} ended with ${code}:\n${output.slice(-4_000)}`)
  return output
}
