import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newSecret, signatureOf } from '../src/webhooks/secrets.ts'

const guide = readFileSync(new URL('../../docs/webhooks.md', import.meta.url), 'utf8')
const codeOf = (language: string): string => new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'ms').exec(guide)?.[1] ?? ''

const folder = mkdtempSync(join(tmpdir(), 'webhook-guide-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Case = { secret: string; headers: Record<string, string>; body: string }
const programs: Record<string, { file: string; command: string; code: string }> = {
  ts: {
    file: 'verify.mts',
    command: process.execPath,
    code: `${codeOf('ts')}
const { secret, headers, body } = JSON.parse(process.argv[2] ?? '')
console.log(verify(secret, headers, Buffer.from(body)))`,
  },
  python: {
    file: 'verify.py',
    command: 'python3',
    code: `${codeOf('python')}
import json, sys
case = json.loads(sys.argv[1])
print(str(verify(case["secret"], case["headers"], case["body"].encode())).lower())`,
  },
}

/** Runs the code of the guide with one request. */
const verify = (language: string, request: Case): string => {
  const { file, command, code } = programs[language] ?? { file: '', command: '', code: '' }
  writeFileSync(join(folder, file), code)
  const { stdout, stderr } = spawnSync(command, [join(folder, file), JSON.stringify(request)], { encoding: 'utf8' })
  return stdout.trim() || stderr
}

const signed = (secrets: string[], at = Math.floor(Date.now() / 1000)): Case => {
  const body = '{"data":{"name":"Zoë"}}'
  const signature = signatureOf(secrets, 'an-id', at, Buffer.from(body))
  const headers = { 'webhook-id': 'an-id', 'webhook-timestamp': String(at), 'webhook-signature': signature }
  return { secret: secrets.at(-1) ?? '', headers, body }
}

describe('docs/webhooks.md', () => {
  it.each(Object.keys(programs))('the code in %s accepts genuine requests and refuses others', (language) => {
    const secret = newSecret()
    const genuine = signed([secret])
    expect(verify(language, genuine)).toBe('true')
    expect(verify(language, signed([newSecret(), secret]))).toBe('true')
    const others: Case[] = [
      { ...genuine, body: '{"data":{"name":"Zoe"}}' },
      { ...genuine, secret: newSecret() },
      { ...genuine, headers: { ...genuine.headers, 'webhook-id': 'another' } },
      { ...genuine, headers: { ...genuine.headers, 'webhook-signature': 'v1,' } },
      { ...genuine, headers: {} },
      signed([secret], Math.floor(Date.now() / 1000) - 600),
    ]
    for (const request of others) expect(verify(language, request)).toBe('false')
  })
})
