import { httpUrl, loadConfig, serviceConfig } from '@clientele/platform/config'
import { createDemoData } from './demo-data.ts'
import { homeFolder } from './folders.ts'

const { profile, gatewayUrl } = loadConfig({ profile: serviceConfig.profile, gatewayUrl: httpUrl })
if (profile === 'production') {
  console.log('no demo data in production')
} else {
  const { customers, products, orders } = await createDemoData(gatewayUrl, homeFolder())
  console.log(`made ${customers} customers, ${products} products, ${orders} orders`)
}
