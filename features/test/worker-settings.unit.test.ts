import { workerConfig } from '../src/jobs/worker-settings.ts'

it('the worker process gets the database and the limits of the service, but no other secret or address', () => {
  const needed = {
    databaseUrl: 'postgres://u:p@h/d',
    jobKeepHours: 168,
    customerRequiredFields: ['name'],
    logLevel: 'info',
  }
  const others = {
    rabbitmqUrl: 'amqp://u:p@h',
    keycloakUrl: 'http://k',
    mediaSigningKey: 'a key',
    jobLinkKey: 'a key',
    sentryDsn: 'https://k@h/1',
    otelExporterOtlpEndpoint: 'http://c',
    keycloakClientSecret: 'a secret',
  }
  expect(workerConfig({ ...needed, ...others })).toEqual(needed)
})
