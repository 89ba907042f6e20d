import { createLog } from '@clientele/platform/runtime/log'
import { runService } from '@clientele/platform/service/service'
import { createGateway } from './app.ts'
import { config as readConfig } from './config.ts'
import { serviceAddresses } from './services.ts'
import { readContracts, readOwnDocument } from './site/api-documents.ts'

await runService(async () => {
  const config = readConfig()
  const log = createLog({ name: 'gateway', level: config.logLevel })
  const contracts = await readContracts(serviceAddresses(config).map(({ name }) => name))
  const ownDocument = await readOwnDocument()
  return { name: 'gateway', config, log, ...createGateway({ config, contracts, ownDocument, log }) }
})
