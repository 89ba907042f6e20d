import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { registry } from '@clientele/contracts/services'
import { prepare } from '../src/request.ts'
import type { Route } from '../src/routes.ts'

const root = join(import.meta.dirname, '..', '..')
type Operation = { parameters?: { name: string }[] }
type Document = { paths: Record<string, Record<string, Operation>> }

const isRepeated = (route: Route): boolean => {
  const names = [...route.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
  return prepare('', route, { path: Object.fromEntries(names.map((name) => [name, 'x'])) }).repeatable
}

describe('The package @clientele/client', () => {
  it('all its JavaScript is at most 12 kB compressed, and it depends on nothing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'clientele-client-'))
    try {
      execFileSync(process.execPath, [join(root, 'client', 'build.ts'), '--out', folder])
      const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'))
      const sizes = files.map((file) => gzipSync(readFileSync(join(folder, file))).length)
      expect(sizes.length).toBeGreaterThan(5)
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(12_000)
      expect(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))).not.toHaveProperty('dependencies')
    } finally {
      rmSync(folder, { recursive: true })
    }
  }, 60_000)

  it('every POST that it repeats takes an idempotency key, makes nothing but a link, or changes nothing again', () => {
    const withoutKey = registry.services.flatMap(({ name }) => {
      const file = join(root, 'contracts', 'generated', `${name}.openapi.json`)
      const { paths } = JSON.parse(readFileSync(file, 'utf8')) as Document
      return Object.entries(paths)
        .filter(([, { post }]) => post && !post.parameters?.some(({ name }) => name === 'Idempotency-Key'))
        .map(([path]) => path)
    })
    const repeated = withoutKey.filter((path) => isRepeated(`POST ${path}` as Route))
    const others = repeated.filter((path) => !path.startsWith('/v1/auth/') && !path.endsWith('-link'))
    // An order that is fulfilled or cancelled stays as it is.
    expect(others).toEqual(['/v1/orders/batch', '/v1/callbacks/{provider}/{secret}'])
  })
})
