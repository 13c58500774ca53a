// Runs before the first paint, so that a chosen theme never flashes into place.
(() => {
  try {
    const chosen = localStorage.getItem("dynaspark.theme");
    if (chosen) document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage is switched off: the system's theme holds.
  }
})();
