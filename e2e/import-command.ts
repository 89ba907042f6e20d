import { spawn } from 'node:child_process'
import { once } from 'node:events'

const script = new URL('../stack/src/import.ts', import.meta.url).pathname

/** Runs `npm run import` with these arguments and a user's token. `output` is stdout and stderr together. */
export const runImportCommand = async (
  gateway: string,
  token: string,
  ...args: string[]
): Promise<{ code: number | null; output: string }> => {
  const env = { PATH: process.env['PATH'], CLIENTELE_PUBLIC_URL: gateway, CLIENTELE_TOKEN: token }
  const child = spawn(process.execPath, [script, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}
