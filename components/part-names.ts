/** What the resources inside a bus are called. Their names end the ownership markers on the servers, so they never change. */

/** Names of the resources of the bus with this name. */
export function partNames(bus: string) {
  return {
    stream: ({ name }: { readonly name: string }): string => `${bus}-${name}`,
    consumer: ({ stream, name }: { readonly stream: string; readonly name: string }): string => `${bus}-${stream}-${name}`,
    keyValue: ({ bucket }: { readonly bucket: string }): string => `${bus}-kv-${bucket}`,
    objectStore: ({ bucket }: { readonly bucket: string }): string => `${bus}-objects-${bucket}`,
    entry: ({ bucket, key }: { readonly bucket: string; readonly key: string }): string => `${bus}-kv-${bucket}-${key}`,
    object: ({ bucket, name }: { readonly bucket: string; readonly name: string }): string => `${bus}-objects-${bucket}-${name}`,
  };
}
