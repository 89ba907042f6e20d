import { globSync } from 'node:fs'
import { projectRoot } from '../src/processes/folders.ts'
import { patternOf, readThreats, threatReport, threatsIn } from '../src/testing/threats.ts'

const table = `Text.

| Threat | Protection | Code | Tests |
|---|---|---|---|
| Anybody: no token | a check | \`gateway\` | \`e2e/hostile/tokens\`, \`json\`, \`stack/test/realm\` |
| Readers of logs | no secrets | | at the end of each \`e2e/hostile\` file |

More text.
`

it('threatsIn reads names of tests, which continue in the folder of the one before', () => {
  expect(threatsIn(table)).toEqual([
    { name: 'Anybody: no token', tests: ['e2e/hostile/tokens', 'e2e/hostile/json', 'stack/test/realm'] },
    { name: 'Readers of logs', tests: ['e2e/hostile'] },
  ])
})

it('threatReport counts the cases of each test, and says which did not run', () => {
  const file = (name: string, ...statuses: string[]) => ({
    name: `/project/${name}`,
    status: '',
    message: '',
    assertionResults: statuses.map((status) => ({ status })),
  })
  const testResults = [
    file('e2e/hostile/tokens.test.ts', 'passed', 'failed'),
    file('e2e/hostile/json.test.ts', 'passed', 'passed'),
  ]
  const results = { testResults } as never
  expect(threatReport(threatsIn(table), [results])).toEqual([
    'Anybody: no token\n    e2e/hostile/tokens (1 passed, 1 FAILED)\n    e2e/hostile/json (2 passed)\n    stack/test/realm (not in this run)',
    'Readers of logs\n    e2e/hostile (3 passed, 1 FAILED)',
  ])
})

it('each threat in SECURITY.md has a test, and each test exists', () => {
  const files = globSync('*/**/*.test.ts', { cwd: projectRoot, exclude: (name) => name === 'node_modules' })
  const threats = readThreats()
  expect(threats.length).toBeGreaterThan(20)
  expect(threats.filter(({ tests }) => tests.length === 0)).toEqual([])
  const tests = threats.flatMap((threat) => threat.tests)
  expect(tests.filter((test) => !files.some((file) => new RegExp(patternOf(test)).test(file)))).toEqual([])
})
