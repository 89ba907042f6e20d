import { createLog } from '@clientele/platform/runtime/log'
import { runService } from '@clientele/platform/service/service'
import { createGateway } from './app.ts'
import { config as readConfig } from './config.ts'
import { services } from './services.ts'
import { readContracts } from './site/api-documents.ts'

await runService(async () => {
  const config = readConfig()
  const log = createLog({ name: 'gateway', level: config.logLevel })
  const contracts = await readContracts(services(config).map(({ name }) => name))
  return { name: 'gateway', config, log, ...createGateway({ config, contracts, log }) }
})
