import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { projectRoot } from '../src/processes/folders.ts'

const folder = mkdtempSync(join(tmpdir(), 'clientele-dependencies-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Writes a module that imports another one, and that one. @returns what dependency-cruiser prints, with its exit code */
const check = async (from: string, to: string) => {
  const root = mkdtempSync(join(folder, 'tree-'))
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  write(from, `import '${'../'.repeat(from.split('/').length - 1)}${to}'\n`)
  write(to, 'export const value = 1\n')
  const command = join(projectRoot, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruiser.mjs')
  const folders = [...new Set([from, to].map((file) => file.split('/')[0] ?? ''))]
  const args = [command, ...folders, '--config', join(projectRoot, '.dependency-cruiser.cjs')]
  return promisify(execFile)(process.execPath, args, { cwd: root }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: { code: number; stdout: string }) => error,
  )
}

describe('The rules of imports', () => {
  it.each([
    ['a service', 'customer-service/src/a.ts', 'another service', 'order-service/src/b.ts', 'no-service-knows-another'],
    ['platform', 'platform/src/http/a.ts', 'a service', 'order-service/src/b.ts', 'platform-knows-no-product'],
    ['a feature', 'features/src/jobs/a.ts', 'a service', 'order-service/src/b.ts', 'features-know-no-service'],
    ['a layer', 'platform/src/data/a.ts', 'a higher layer', 'platform/src/http/b.ts', 'platform-data'],
    ['the gateway', 'gateway/src/a.ts', 'the database', 'platform/src/data/b.ts', 'gateway-has-no-database'],
  ])('npm run check refuses an import by %s (%s) of %s (%s)', async (_importer, from, _imported, to, rule) => {
    const { code, stdout } = await check(from, to)
    expect(stdout).toContain(`error ${rule}: ${from} → ${to}`)
    expect(code).toBeGreaterThan(0)
  })

  it('npm run check accepts an import of a lower layer', async () => {
    expect(await check('platform/src/http/a.ts', 'platform/src/data/b.ts')).toMatchObject({ code: 0 })
  })
})
