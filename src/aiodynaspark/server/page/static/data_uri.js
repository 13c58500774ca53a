// A picture as the wire has it.

const TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/** A blob as a data: URI. The server goes by the bytes, whatever a file's name made of its type. */
export function dataUriOf(blob) {
  const type = TYPES.includes(blob.type) ? blob.type : TYPES[0];
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(new Blob([blob], { type }));
  });
}
