import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { localFrontEnds } from '../src/backing/front-ends.ts'
import { projectRoot } from '../src/processes/folders.ts'
import { demoSettings } from '../src/profile/demo-settings.ts'

describe('The settings of the demo', () => {
  it('every setting of demo.env that is open to strangers is refused in production', () => {
    const demo = parseEnv(readFileSync(join(projectRoot, 'demo.env'), 'utf8'))
    expect(demoSettings(demo).map((line) => line.split(':', 1)[0])).toEqual([
      'SIGNUP_ENABLED with SIGNUP_DEFAULT_ROLE',
      'CLIENTELE_REGISTRATION with SIGNUP_DEFAULT_ROLE',
      'SMTP_URL',
      'CLIENTELE_SMTP_HOST',
    ])
  })

  it('the demo allows the same front ends as npm start', () => {
    const demo = parseEnv(readFileSync(join(projectRoot, 'demo.env'), 'utf8'))
    expect(demo['FRONT_END_ORIGINS']).toBe(localFrontEnds)
  })

  it('open sign-up without a role, and a mail server of your own, are allowed', () => {
    const settings = { SIGNUP_ENABLED: 'true', CLIENTELE_REGISTRATION: 'true', SIGNUP_DEFAULT_ROLE: 'none' }
    const mail = { SMTP_URL: 'smtps://user:mail@mail.example.com:465', CLIENTELE_SMTP_HOST: 'mail.example.com' }
    expect(demoSettings({ ...settings, ...mail })).toEqual([])
    expect(demoSettings({})).toEqual([])
  })
})
