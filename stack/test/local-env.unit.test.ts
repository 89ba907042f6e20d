import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { registry } from '@clientele/contracts/services'
import { projectRoot } from '../src/processes/folders.ts'
import { localEnv } from '../src/profile/local-env.ts'

const placeholders = { home: '/data', publicUrl: 'http://localhost', port: () => '25', secret: () => 'a-secret' }
const names = ['gateway', ...registry.services.map(({ name }) => name)]
const files = names
  .map((name) => ({ name, path: join(projectRoot, name, 'local.env') }))
  .filter(({ path }) => existsSync(path))
const settings = files.flatMap(({ name, path }) =>
  Object.entries(parseEnv(readFileSync(path, 'utf8'))).map(([variable, text = '']) => ({ name, variable, text })),
)

describe('The local.env of a service', () => {
  it('a value without a placeholder is a default, which the environment overrides unless it is empty', () => {
    const defaults = settings.filter(({ text }) => !text.includes('${'))
    expect(defaults.map(({ variable }) => variable)).toContain('SIGNUP_DEFAULT_ROLE')
    for (const { name, variable, text } of defaults) {
      expect(localEnv(name, placeholders, { [variable]: 'other' })[variable]).toBe('other')
      expect(localEnv(name, placeholders, { [variable]: '' })[variable]).toBe(text)
    }
  })

  it('addresses and secrets that npm start makes are not overridden', () => {
    for (const { name, variable, text } of settings.filter((setting) => setting.text.includes('${')))
      expect([text, localEnv(name, placeholders, { [variable]: 'other' })[variable]]).not.toContain('other')
  })
})
