/** A setting of the demo that production refuses, and what to set instead. */
const refusals: { names: string[]; isDemo(env: NodeJS.ProcessEnv): boolean; fix: string }[] = [
  {
    names: ['SIGNUP_ENABLED', 'SIGNUP_DEFAULT_ROLE'],
    isDemo: (env) => env.SIGNUP_ENABLED === 'true' && env.SIGNUP_DEFAULT_ROLE === 'user',
    fix: 'anybody could sign up and read all customers; set SIGNUP_ENABLED=false or SIGNUP_DEFAULT_ROLE=none',
  },
  {
    names: ['CLIENTELE_REGISTRATION', 'SIGNUP_DEFAULT_ROLE'],
    isDemo: (env) => env.CLIENTELE_REGISTRATION === 'true' && env.SIGNUP_DEFAULT_ROLE === 'user',
    fix: "anybody could register at Keycloak's page; set CLIENTELE_REGISTRATION=false or SIGNUP_DEFAULT_ROLE=none",
  },
  {
    names: ['SMTP_URL'],
    isDemo: (env) => /^smtps?:\/\/(?:[^@/]*@)?mail(?::|\/|$)/.test(env.SMTP_URL ?? ''),
    fix: 'the mail catcher delivers nothing; name your mail server, or leave it empty',
  },
  {
    names: ['CLIENTELE_SMTP_HOST'],
    isDemo: (env) => env.CLIENTELE_SMTP_HOST === 'mail',
    fix: 'the mail catcher shows links that reset passwords; name your mail server',
  },
]

/** The settings of the demo (demo.env) that are open to strangers. @returns a line for each, empty if there are none */
export const demoSettings = (env: NodeJS.ProcessEnv): string[] =>
  refusals.filter(({ isDemo }) => isDemo(env)).map(({ names, fix }) => `${names.join(' with ')}: ${fix}`)
