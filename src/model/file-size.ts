// How large a file of manifests may be, in bytes: what `maxFileSize` in tagflow.yaml may say, and says where it stands out.
export const FILE_SIZE = { least: 1024, usual: 1024 * 1024, most: 16 * 1024 * 1024 } as const;
