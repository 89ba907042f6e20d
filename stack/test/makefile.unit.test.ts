import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../src/processes/folders.ts'

const read = (file: string) => readFileSync(join(projectRoot, file), 'utf8')
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
const rules = [...read('Makefile').matchAll(/^([a-z -]+):\s*; (.+)$/gm)].map(([, targets = '', command = '']) => ({
  targets: targets.trim().split(' '),
  command,
}))

const targets =
  'install build start up run stop test test-coverage test-report test-html migrations migrate-up superuser clean'

describe('The Makefile', () => {
  it('the Makefile has a target for everything that the README names', () => {
    const phony = /^\.PHONY: (.+)$/m.exec(read('Makefile'))?.[1]
    expect(phony).toBe(targets)
    expect(rules.flatMap((rule) => rule.targets).sort()).toEqual(targets.split(' ').sort())
  })

  it.each(rules)('the target $targets calls an npm command that exists', ({ command }) => {
    const script = /^npm (?:run )?([\w:-]+)(?: -- \$\(args\))?$/.exec(command)?.[1] ?? command
    expect(['ci', ...Object.keys(scripts)]).toContain(script)
  })
})
