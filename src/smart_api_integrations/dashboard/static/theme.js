// Loaded in <head> and not deferred, so that no wrong theme flashes. Without it the theme follows the system.
{
  const root = document.documentElement;
  root.dataset.js = "";
  try {
    const stored = localStorage.getItem("theme");
    if (stored === "light" || stored === "dark") root.dataset.theme = stored;
  } catch {
    // Storage may be forbidden: then the system's preference holds.
  }
}
