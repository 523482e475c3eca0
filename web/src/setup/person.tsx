export default function Shown() {
  return null;
}
