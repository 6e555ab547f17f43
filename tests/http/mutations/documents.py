"""The mutations that the tests of the API send, with the objects that they select."""

CREATE_MANUFACTURER = """mutation ($input: CreateManufacturerInput!) {
  createManufacturer(input: $input) { manufacturer { manufacturerId name location country } userErrors { field message code } } }"""

UPDATE_MANUFACTURER = """mutation ($input: UpdateManufacturerInput!) {
  updateManufacturer(input: $input) { manufacturer { manufacturerId name location country } userErrors { field message code } } }"""

CREATE_SUPPLIER = """mutation ($input: CreateSupplierInput!) {
  createSupplier(input: $input) { supplier { supplierId name location country contactPerson externalId } userErrors { field message code } } }"""

UPDATE_SUPPLIER = """mutation ($input: UpdateSupplierInput!) {
  updateSupplier(input: $input) { supplier { supplierId name location country contactPerson externalId } userErrors { field message code } } }"""

CREATE_BATCH = """mutation ($input: CreateCacaoBatchInput!) {
  createCacaoBatch(input: $input) { cacaoBatch { ...lot } userErrors { field message code } } }
fragment lot on CacaoBatch { cacaoBatchId supplier { supplierId } quantityKg stage harvestDate
  productionDate certification lotNumber }"""

UPDATE_BATCH = """mutation ($input: UpdateCacaoBatchInput!) {
  updateCacaoBatch(input: $input) { cacaoBatch { ...lot } userErrors { field message code } } }
fragment lot on CacaoBatch { cacaoBatchId supplier { supplierId } quantityKg stage harvestDate
  productionDate certification lotNumber }"""

USE = """mutation ($input: UseCacaoBatchInput!) {
  useCacaoBatch(input: $input) { cacaoBatch { id } product { id } outputBatch { id } userErrors { field message code } } }"""

CREATE_PRODUCT = """mutation ($input: CreateProductInput!) {
  createProduct(input: $input) { product { ...bar } userErrors { field message code } } }
fragment bar on Product { productId name description manufacturer { manufacturerId } batchNumber
  gtin cocoaPercent productionDate }"""

UPDATE_PRODUCT = """mutation ($input: UpdateProductInput!) {
  updateProduct(input: $input) { product { ...bar } userErrors { field message code } } }
fragment bar on Product { productId name description manufacturer { manufacturerId } batchNumber
  gtin cocoaPercent productionDate }"""

RECORD = """mutation ($input: RecordTransactionInput!) {
  recordTransaction(input: $input) { transaction { ...happening } userErrors { field message code } } }
fragment happening on Transaction { transactionId timestamp event details eventId
  product { productId } cacaoBatch { cacaoBatchId } }"""
